"""What the commands about a state share: which environment, how long to wait for its lease, and how it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aias_cli.context import CommandContext
    from aias_core.environments.linode.remote_state import RemoteState

Environment = Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")]
LockWait = Annotated[
    float, typer.Option("--lock-wait", min=0, metavar="SECONDS", help="Longest wait for another run to end [0].")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; shown to whoever is stopped by it.")]


def find_state(context: CommandContext, environment: str | None) -> RemoteState:
    """The remote state that the command is about."""
    from aias_core.environments.linode.remote_state import open_state

    return open_state(environment or context.env, context.state_dir, context.config)

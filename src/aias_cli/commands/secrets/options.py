"""What the commands about secrets share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.context import CommandContext

if TYPE_CHECKING:
    from aias_core.secrets.declared import Secrets

EnvironmentArgument = Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")]


def open_declared(context: CommandContext, environment: str | None) -> Secrets:
    """The secrets of the environment that a command is about."""
    from aias_core.environments.linode.secrets import open_secrets

    return open_secrets(environment or context.env, context.state_dir, context.config)

"""What the commands about networks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.context import CommandContext

if TYPE_CHECKING:
    from aias_core.network.policies import Policy
    from aias_core.network.topology import Topology

EnvironmentArgument = Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="NAME", help="Where connections begin: a component, or 'internet'.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="NAME", help="Where connections end.")]


def open_policies(context: CommandContext, environment: str | None) -> tuple[Topology, list[Policy]]:
    """The network of the environment that a command is about."""
    from aias_core.environments.linode.network import open_network

    return open_network(environment or context.env, context.config)

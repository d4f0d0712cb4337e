"""aias net render"""

from __future__ import annotations

import typer

from aias_cli.commands.net.options import EnvironmentArgument, open_policies
from aias_cli.context import current


def render(ctx: typer.Context, environment: EnvironmentArgument = None) -> None:
    """Print the network policies of an environment: all is denied but what its components need.

    Example: aias net render development
    """
    context = current(ctx)
    _, policies = open_policies(context, environment)
    context.printer.documents("aias.net.render/1", policies)

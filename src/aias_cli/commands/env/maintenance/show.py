"""aias env maintenance show"""

from __future__ import annotations

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import current


def show(ctx: typer.Context, environment: Environment = None) -> None:
    """Show whether there is maintenance, why, and when it ends.

    Example: aias env maintenance show development
    """
    from aias_core.environments.linode.maintenance import read_maintenance

    context = current(ctx)
    context.printer.result("aias.env.maintenance/1", read_maintenance(context.linode(environment)).as_record())

"""aias env maintenance off"""

from __future__ import annotations

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import current


def off(ctx: typer.Context, environment: Environment = None) -> None:
    """End maintenance before its time. Nothing happens when there is none.

    Example: aias env maintenance off development
    """
    from aias_core.environments.linode.maintenance import end_maintenance

    context = current(ctx)
    context.printer.result("aias.env.maintenance/1", end_maintenance(context.linode(environment)).as_record())

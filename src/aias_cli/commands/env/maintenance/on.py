"""aias env maintenance on"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import current
from aias_core.clock import parse_end


def on(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="What is done meanwhile.")],
    environment: Environment = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", parser=parse_end, metavar="END", help="An instant, or so long from now [2h]."),
    ] = None,
) -> None:
    """Begin maintenance: up and rollback refuse until it ends, after two hours unless told otherwise, eight at most.

    Example: aias env maintenance on development --reason "new nodes" --until 2h
    """
    from aias_core.environments.linode.maintenance import begin_maintenance

    context = current(ctx)
    found = begin_maintenance(context.linode(environment), reason, until)
    context.printer.result("aias.env.maintenance/1", found.as_record())

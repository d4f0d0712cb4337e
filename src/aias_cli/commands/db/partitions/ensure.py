"""aias db partitions ensure"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.partitions.list import COLUMNS
from aias_cli.context import current


def ensure(
    ctx: typer.Context,
    ahead: Annotated[int, typer.Option("--ahead", min=0, max=36, help="So many months after this one.")] = 3,
) -> None:
    """Make the months that are missing, and move rows that found none to theirs. Does nothing the second time.

    Example: aias db partitions ensure --ahead 3
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.partitions import ensure_partitions

    context = current(ctx)
    before, after = ensure_partitions(find_stores(context.environment()).analytics, ahead)
    made = [item.as_record() for item in after.list_made(before)]
    result = {"made": made, "moved": before.default_rows - after.default_rows}
    context.printer.result("aias.db.partitions.ensure/1", result, "made", COLUMNS)
    after.check()

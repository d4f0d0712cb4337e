"""aias db hold list"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def list_(
    ctx: typer.Context, released: Annotated[bool, typer.Option("--all", help="Also those that were released.")] = False
) -> None:
    """List the holds in force, oldest first.

    Example: aias db hold list
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.holds import list_holds
    from aias_core.retention.stores import opened

    context = current(ctx)
    with opened(find_stores(context.environment())) as databases:
        rows = [hold.as_record() for hold in list_holds(databases.operational, released=released)]
    columns = ("hold_id", "subject_kind", "subject_id", "reason", "placed_by", "created_at", "released_at")
    context.printer.result("aias.db.holds/1", {"holds": rows}, "holds", columns)

"""aias db hold release"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from aias_cli.context import current


def release(
    ctx: typer.Context,
    hold: Annotated[UUID, typer.Argument(metavar="HOLD", help="Which one.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit record.")],
) -> None:
    """End a hold, after asking; what it kept is removed by the next runs.

    Example: aias db hold release 019ab1c2-0000-7000-8000-000000000000 --reason "case closed"
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.holds import release_hold
    from aias_core.retention.stores import opened

    context = current(ctx)
    with opened(find_stores(context.environment())) as databases:
        context.confirm(f"Release the hold '{hold}'?")
        released = release_hold(databases.operational, hold, reason)
    context.printer.result("aias.db.hold/1", released.as_record())

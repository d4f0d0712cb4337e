"""aias db retention run"""

from __future__ import annotations

import typer

from aias_cli.commands.db.retention.options import COLUMNS, AsOf, MaxSeconds
from aias_cli.context import current


def run(ctx: typer.Context, as_of: AsOf = None, max_seconds: MaxSeconds = 3600) -> None:
    """Remove exactly what the plan shows, in batches or by dropping a partition; asks first.

    Ends with 6 when a legal hold keeps what has expired, after the rest is gone, and with 9 when the time ran out.

    Example: aias db retention run --max-seconds 600 --yes
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.plan import build_plan, parse_as_of
    from aias_core.retention.run import run_retention
    from aias_core.retention.stores import opened

    context = current(ctx)
    stores, moment = find_stores(context.environment()), parse_as_of(as_of)
    with opened(stores) as databases:
        found = build_plan(databases, moment)
    if found.items:
        context.printer.note_table("Will be removed", found.as_record()["items"], COLUMNS)
        context.confirm(f"Remove {found.rows} rows from '{context.env}'?")
    done = run_retention(stores, moment, max_seconds, context.printer.note)
    context.printer.result("aias.db.retention.run/1", done.as_record(), "removed", COLUMNS[:6])
    done.check()

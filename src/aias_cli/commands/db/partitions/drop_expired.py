"""aias db partitions drop-expired"""

from __future__ import annotations

import typer

from aias_cli.commands.db.retention.options import COLUMNS, AsOf, MaxSeconds
from aias_cli.context import current

DROPS = frozenset({"drop_partition"})


def drop_expired(ctx: typer.Context, as_of: AsOf = None, max_seconds: MaxSeconds = 3600) -> None:
    """Drop the months whose every row has outlived the data policy; asks first. Held ones stay, and end it with 6.

    Example: aias db partitions drop-expired --yes
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.plan import build_plan, parse_as_of
    from aias_core.retention.run import narrow, run_retention
    from aias_core.retention.stores import opened

    context = current(ctx)
    stores, moment = find_stores(context.environment()), parse_as_of(as_of)
    with opened(stores) as databases:
        found = narrow(build_plan(databases, moment), DROPS)
    if found.items:
        context.printer.note_table("Will be dropped", found.as_record()["items"], COLUMNS)
        context.confirm(f"Drop {len(found.items)} partitions of '{context.env}'?")
    done = run_retention(stores, moment, max_seconds, context.printer.note, DROPS)
    context.printer.result("aias.db.partitions.drop/1", done.as_record(), "removed", COLUMNS[:6])
    done.check()

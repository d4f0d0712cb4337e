"""aias db retention plan"""

from __future__ import annotations

import typer

from aias_cli.commands.db.retention.options import COLUMNS, AsOf
from aias_cli.context import current


def plan(ctx: typer.Context, as_of: AsOf = None) -> None:
    """Show what has outlived the data policy, by table and partition, and what a legal hold keeps. Changes nothing.

    Example: aias db retention plan --as-of 2027-01-01
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.plan import build_plan, parse_as_of
    from aias_core.retention.stores import opened

    context = current(ctx)
    moment = parse_as_of(as_of)
    with opened(find_stores(context.environment())) as databases:
        found = build_plan(databases, moment)
    context.printer.result("aias.db.retention.plan/1", found.as_record(), "items", COLUMNS)

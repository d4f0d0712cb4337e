"""aias analytics dims sync"""

from __future__ import annotations

import typer

from aias_cli.context import current

COLUMNS = ("kind", "added", "changed")


def sync(ctx: typer.Context) -> None:
    """Copy names and prices to the analytics database, and check the cost of facts that waited for their price.

    Example: aias analytics dims sync
    """
    from aias_core.analytics.dimensions import recheck_costs, sync_dimensions
    from aias_core.database.connection import connect

    context = current(ctx)
    endpoints = context.environment().endpoints()
    with (
        connect(endpoints.dsn("analytics", "aias_analytics"), "database 'analytics'", autocommit=True) as analytics,
        connect(endpoints.dsn("operational", "aias_analytics"), "database 'operational'") as operational,
    ):
        synced = [one.as_record() for one in sync_dimensions(operational, analytics)]
        data = {"dimensions": synced, "rechecked": recheck_costs(analytics)}
    context.printer.result("aias.analytics.dims.sync/1", data, "dimensions", COLUMNS)

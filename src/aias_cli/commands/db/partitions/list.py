"""aias db partitions list"""

from __future__ import annotations

import typer

from aias_cli.context import current

COLUMNS = ("table", "month", "partition", "bytes", "state")


def list_(ctx: typer.Context) -> None:
    """List every month of every partitioned table, to three ahead; 10 where one is missing or rows found no month.

    Example: aias db partitions list
    """
    from aias_core import clock
    from aias_core.environments.stores import find_stores
    from aias_core.retention.partitions import read_partitions
    from aias_core.retention.stores import opened

    context = current(ctx)
    with opened(find_stores(context.environment())) as databases:
        found = read_partitions(databases.analytics, clock.now())
    context.printer.result("aias.db.partitions/1", found.as_record(), "partitions", COLUMNS)
    found.check()

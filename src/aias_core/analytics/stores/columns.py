"""The column path: facts leave PostgreSQL, are grouped by columns in this process, and their rows come back by COPY.

Queue, locks and transaction are those of every rollup, so a bucket is replaced whole and any repetition gives the
same rows. Days are merged where their hours are: a day reads a few rows of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.analytics.stores.clickhouse.facts import stage_facts
from aias_core.analytics.stores.clickhouse.rollups import show_hours
from aias_core.analytics.stores.clickhouse.server import ClickHouse, in_process
from aias_core.analytics.stores.clickhouse.tables.create import create_tables
from aias_core.analytics.stores.postgres.rollups import PostgresRollups
from aias_core.analytics.stores.protocol import Buckets, Grain, Replaced

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def column_rollups(connection: Connection) -> Iterator[ColumnRollups]:
    """The store of a rebuild by columns. Raises PrerequisiteMissing where chDB is not installed."""
    with in_process() as server:
        create_tables(server)
        yield ColumnRollups(connection, server)


class ColumnRollups:
    """Rollups that stay in PostgreSQL and are grouped by chDB."""

    buckets_at_once = 1024

    def __init__(self, connection: Connection, server: ClickHouse) -> None:
        self._connection, self._server = connection, server
        self._rows = PostgresRollups(connection)

    def replace(self, grain: Grain, buckets: Buckets, run_id: UUID) -> Replaced:
        """As RollupStore says; what it does is seen when the caller commits."""
        if grain == "day" or not buckets:
            return self._rows.replace(grain, buckets, run_id)
        source_rows = stage_facts(self._connection, self._server, buckets)
        written, removed = self._rows.replace_hours_by(buckets, *show_hours(self._server, buckets, run_id))
        return Replaced(written, removed, source_rows)

"""Creates what is missing; a table or view that is there stays as it is."""

from __future__ import annotations

from aias_core.analytics.stores.clickhouse.server import ClickHouse
from aias_core.database.queries import load_queries

_queries = load_queries(__file__)


def create_tables(server: ClickHouse) -> None:
    """Creates the tables and views that are missing."""
    for statement in _queries.values():
        server.execute(statement)

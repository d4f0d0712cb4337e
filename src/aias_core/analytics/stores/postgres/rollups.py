"""Rollups in PostgreSQL: a bucket is deleted and computed anew in the transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.analytics.stores.protocol import Buckets, Grain, Replaced
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


class PostgresRollups:
    """The rollups beside their facts, on the connection that holds the locks."""

    buckets_at_once = 64

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, grain: Grain, buckets: Buckets, run_id: UUID) -> Replaced:
        """As RollupStore says; what it does is seen when the caller commits."""
        self._connection.execute(_queries["set_memory"])
        done = Replaced(0, 0, 0)
        for bucket_start, orgs in buckets.items():
            bucket = {"bucket_start": bucket_start, "orgs": list(orgs), "run_id": run_id}
            [removed] = self._connection.execute(_queries[f"delete_{grain}s"], bucket).fetchone() or (0,)
            written, read = self._connection.execute(_queries[f"insert_{grain}s"], bucket).fetchone() or (0, 0)
            done = Replaced(done.written + written, done.removed + removed, done.source_rows + read)
        return done

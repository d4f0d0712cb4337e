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

    def replace_hours_by(self, buckets: Buckets, lines: bytes, keys: bytes) -> tuple[int, int]:
        """Replaces whole hours by rows in COPY's text that were computed elsewhere; rows written and removed."""
        self._connection.execute(_queries["create_staged_hours"])
        for name, text in (("copy_staged_hours", lines), ("copy_staged_hour_keys", keys)):
            with self._connection.cursor().copy(_queries[name]) as copy:
                copy.write(text)
        removed = 0
        for bucket_start, orgs in buckets.items():
            bucket = {"bucket_start": bucket_start, "orgs": list(orgs)}
            removed += (self._connection.execute(_queries["delete_hours"], bucket).fetchone() or (0,))[0]
        [written] = self._connection.execute(_queries["insert_staged_hours"]).fetchone() or (0,)
        self._connection.execute(_queries["forget_staged_hours"])
        return written, removed

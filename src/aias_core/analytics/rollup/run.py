"""Rolls facts up: a bucket is always recomputed whole, so any number of repetitions gives the same rows.

The queue rows that a worker can see are deleted before the bucket is read. What arrives meanwhile has a queue row the
worker did not see, so the bucket is done again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

from aias_core import clock, ids
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(slots=True)
class RollupRun:
    """What one pass did: buckets recomputed, rows written and removed."""

    run_id: UUID
    hours: int = 0
    days: int = 0
    written: int = 0
    removed: int = 0

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def run_rollup(connection: Connection) -> RollupRun:
    """Works off the queue of dirty hours and of the days they touched. Several workers may run at once."""
    run, started_at = RollupRun(ids.new_id()), clock.now()
    while (hours := _drain(connection, run, "hour")) + (days := _drain(connection, run, "day")):
        run.hours += hours
        run.days += days
    if run.hours or run.days:
        with connection.transaction():
            connection.execute(_queries["insert_rollup_run"], {**run.as_record(), "started_at": started_at})
    return run


def count_dirty_buckets(connection: Connection) -> int:
    """How many queue rows wait: 0 means that the rollups hold every stored fact."""
    row = connection.execute(_queries["count_dirty"]).fetchone()
    return int(row[0]) if row else 0


def _drain(connection: Connection, run: RollupRun, grain: LiteralString) -> int:
    return sum(iter(lambda: _recompute_next(connection, run, grain), None))


def _recompute_next(connection: Connection, run: RollupRun, grain: LiteralString) -> int | None:
    """Recomputes one bucket: 1, or 0 when another worker was faster, or None when the queue is empty."""
    with connection.transaction():
        found = connection.execute(_queries[f"find_dirty_{grain}"]).fetchone()
        if found is None:
            return None
        bucket = {"bucket_start": found[0], "org_id": found[1], "run_id": run.run_id}
        if connection.execute(_queries[f"take_dirty_{grain}"], bucket).rowcount == 0:
            return 0
        run.removed += connection.execute(_queries[f"delete_{grain}"], bucket).rowcount
        run.written += connection.execute(_queries[f"insert_{grain}"], bucket).rowcount
        if grain == "hour":
            connection.execute(_queries["enqueue_day"], bucket)
    return 1

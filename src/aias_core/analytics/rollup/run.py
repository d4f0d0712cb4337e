"""Rolls facts up: a bucket is always recomputed whole, so any number of repetitions gives the same rows.

The queue rows that a worker can see are deleted before the bucket is read. What arrives meanwhile has a queue row the
worker did not see, so the bucket is done again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from aias_core import clock, ids, windows
from aias_core.analytics.sources.watermarks import publish_rollup_watermarks, read_ingest_watermarks
from aias_core.analytics.stores.postgres.rollups import PostgresRollups
from aias_core.analytics.stores.protocol import Buckets, Grain, Replaced, RollupStore
from aias_core.database.queries import load_queries
from aias_core.errors import InvalidInput
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

Trigger = Literal["loop", "command", "rebuild", "erasure", "repair"]
GRAINS: tuple[Grain, ...] = ("hour", "day")
HOURS_KEPT = timedelta(days=89)  # the data policy keeps hours for 90

_queries = load_queries(__file__)


@dataclass(slots=True)
class RollupRun:
    """What one pass did: buckets recomputed, facts read, rows written and removed."""

    run_id: UUID
    hours: int = 0
    days: int = 0
    source_rows: int = 0
    written: int = 0
    removed: int = 0

    def add(self, replaced: Replaced) -> None:
        self.written += replaced.written
        self.removed += replaced.removed
        self.source_rows += replaced.source_rows

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def run_rollup(
    connection: Connection,
    *,
    trigger: Trigger = "command",
    patience: timedelta = timedelta(0),
    grains: tuple[Grain, ...] = GRAINS,
    store: RollupStore | None = None,
) -> RollupRun:
    """Works off what the queue of dirty hours holds, and the days they touch. Several workers may run at once.

    Hours before the previous one may wait in the queue for `patience`, so that late events cost one recomputation.
    The queue is here; the buckets are recomputed in the `store`, which is this database if none is given.
    """
    run, started_at, reached = RollupRun(ids.new_id()), clock.now(), read_ingest_watermarks(connection)
    for grain in grains:
        _drain(connection, run, grain, _find_ready(connection, patience), store or PostgresRollups(connection))
    if run.hours or run.days:
        record = {**run.as_record(), "started_at": started_at, "trigger": trigger}
        connection.execute(_queries["insert_rollup_run"], record)
    publish_rollup_watermarks(connection, reached)
    return run


def enqueue_window(
    connection: Connection, window: Window, org_id: UUID | None = None, grains: tuple[Grain, ...] = GRAINS
) -> int:
    """Marks every bucket of a window that holds facts or rollups as dirty; returns how many.

    The days of dirty hours follow by themselves; days alone are merged from their hours as these are.
    """
    bounds = {"start": window.start, "end": window.end, "org_id": org_id, "run_id": ids.new_id()}
    query = "enqueue_window" if "hour" in grains else "enqueue_window_days"
    return connection.execute(_queries[query], bounds).rowcount


def list_window_buckets(
    connection: Connection, window: Window, org_id: UUID | None = None, grains: tuple[Grain, ...] = GRAINS
) -> list[dict[str, Any]]:
    """The buckets that `enqueue_window` would mark, and the days that would follow."""
    from psycopg.rows import dict_row

    bounds = {"start": window.start, "end": window.end, "org_id": org_id, "grains": list(grains)}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_queries["list_window"], bounds).fetchall()


def align_window(window: Window, grains: tuple[Grain, ...], *, widen: bool) -> Window:
    """The window in whole buckets, widened outwards. Raises InvalidInput where it may not be widened."""
    grain, start_of = ("hour", windows.hour_of) if "hour" in grains else ("day", windows.day_of)
    length = timedelta(hours=1) if grain == "hour" else timedelta(days=1)
    aligned = Window(start_of(window.start), start_of(window.end - timedelta(microseconds=1)) + length)
    if aligned != window and not widen:
        raise InvalidInput(
            f"The window does not begin and end with a whole {grain}",
            hint=f"widen it to {_format(aligned)} with: --align",
        )
    return aligned


def count_dirty_buckets(connection: Connection) -> int:
    """How many queue rows wait: 0 means that the rollups hold every stored fact."""
    row = connection.execute(_queries["count_dirty"]).fetchone()
    return int(row[0]) if row else 0


def list_dirty_buckets(connection: Connection) -> list[dict[str, Any]]:
    """The buckets in the queue, with the number of their entries and the time of the oldest."""
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_queries["list_dirty"]).fetchall()


def _format(window: Window) -> str:
    return f"{clock.format_second(window.start)} to {clock.format_second(window.end)}"


def _find_ready(connection: Connection, patience: timedelta) -> dict[str, datetime]:
    """What was queued until now, by the clock of the queue: what comes meanwhile is for the next pass."""
    [until] = connection.execute(_queries["read_clock"]).fetchone() or (clock.now(),)
    return {"until": until, "due": until - patience, "recent": windows.hour_of(until) - timedelta(hours=1)}


def _drain(
    connection: Connection, run: RollupRun, grain: Grain, ready: dict[str, datetime], store: RollupStore
) -> None:
    while _recompute_some(connection, run, grain, ready, store) is not None:
        pass


def _recompute_some(
    connection: Connection, run: RollupRun, grain: Grain, ready: dict[str, datetime], store: RollupStore
) -> int | None:
    """Recomputes some buckets and says how many: 0 when another worker was faster, None when none is ready."""
    with connection.transaction():
        wanted = {**ready, "limit": store.buckets_at_once}
        found = connection.execute(_queries[f"find_dirty_{grain}s"], wanted).fetchall()
        if not found:
            return None
        starts, orgs = zip(*found, strict=True)
        pairs = {"buckets": list(starts), "orgs": list(orgs)}
        taken = set(connection.execute(_queries[f"take_dirty_{grain}s"], pairs))
        by_start: defaultdict[datetime, list[UUID]] = defaultdict(list)
        for bucket_start, org_id in sorted(taken):
            by_start[bucket_start].append(org_id)
        _recompute(connection, run, grain, by_start, store)
    if grain == "hour":
        run.hours += len(taken)
    else:
        run.days += len(taken)
    return len(taken)


def _recompute(connection: Connection, run: RollupRun, grain: Grain, buckets: Buckets, store: RollupStore) -> None:
    if grain == "day":
        for day, orgs in buckets.items():
            if day < clock.now() - HOURS_KEPT:
                _bring_back_hours(connection, run, {"bucket_start": day, "orgs": list(orgs)}, store)
    run.add(store.replace(grain, buckets, run.run_id))
    if grain == "hour":
        for hour, orgs in buckets.items():
            bucket = {"bucket_start": hour, "orgs": list(orgs), "run_id": run.run_id}
            connection.execute(_queries["enqueue_days"], bucket)


def _bring_back_hours(connection: Connection, run: RollupRun, day: dict[str, Any], store: RollupStore) -> None:
    """Computes the hours of a day anew, because they may have been dropped and the day is their merge."""
    connection.execute(_queries["ensure_hours"], day)
    connection.execute(_queries["lock_hours"], day)
    hours = {day["bucket_start"] + timedelta(hours=hour): day["orgs"] for hour in range(24)}
    run.add(store.replace("hour", hours, run.run_id))

"""Reads the state of the pipeline and says in words what is off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.analytics.sources.registry import list_sources
from aias_core.analytics.sources.watermarks import Watermarks, read_watermarks
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

MAX_LAG = timedelta(minutes=5)
QUEUE_PATIENCE = timedelta(minutes=30)
PARTITION_AHEAD = timedelta(days=1)

queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Queue:
    """The dirty buckets of a grain, and since when the oldest waits."""

    buckets: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """When something was last done, and how it went."""

    finished_at: datetime | None
    result: str
    seconds: float | None = None
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment."""

    at: datetime
    watermarks: dict[str, Watermarks]
    queues: dict[str, Queue]
    sources: list[dict[str, Any]]
    dead_letters: dict[str, int]
    costs: dict[str, int]
    rollups: dict[str, Run]
    reconciliations: dict[str, Run]
    partitioned_until: datetime | None
    default_rows: int

    def lag_seconds(self, stage: str) -> float | None:
        """Seconds from the stage's `settled_through` to now; None while that is unknown."""
        marks = self.watermarks.get(stage)
        return None if marks is None else max(0.0, (self.at - marks.settled_through).total_seconds())

    @property
    def silent(self) -> list[str]:
        """Names of the sources that hold the watermarks because nothing is heard of them."""
        return [source["source"] for source in self.sources if source["state"] == "silent"]

    def as_record(self, max_lag: timedelta = MAX_LAG) -> dict[str, Any]:
        lag = self.lag_seconds("rollup_day")
        return {
            "lag_seconds": None if lag is None else round(lag, 1),
            "watermarks": {stage: _show_marks(marks) for stage, marks in sorted(self.watermarks.items())},
            "dirty_buckets": {grain: queue.buckets for grain, queue in self.queues.items()},
            "sources": len(self.sources),
            "silent_sources": self.silent,
            "unpublished_events": sum(s["unpublished"] for s in self.sources if s["state"] in ("active", "silent")),
            "dead_letters_open": self.dead_letters,
            "costs": self.costs,
            "last_rollups": {grain: _show_run(run) for grain, run in self.rollups.items()},
            "last_reconciliations": {scope: _show_run(run) for scope, run in self.reconciliations.items()},
            "partitions": {"until": _show(self.partitioned_until), "default_rows": self.default_rows},
            "problems": list(iter_problems(self, max_lag)),
        }


def read_status(connection: Connection) -> Status:
    """The state of the pipeline, as the database knows it."""
    until, default_rows = connection.execute(queries["read_partitions"]).fetchone() or (None, 0)
    return Status(
        at=clock.now(),
        watermarks=read_watermarks(connection),
        queues={grain: Queue(n, since) for grain, n, since in connection.execute(queries["count_dirty"])},
        sources=list_sources(connection),
        dead_letters=_read_counts(connection, "count_letters"),
        costs=_read_counts(connection, "count_costs"),
        rollups={
            grain: Run(finished_at, outcome, seconds)
            for grain, finished_at, seconds, outcome in connection.execute(queries["list_last_runs"])
        },
        reconciliations={
            scope: Run(finished_at, verdict, run_id=run_id)
            for scope, run_id, finished_at, verdict, _ in connection.execute(queries["list_last_reconciliations"])
        },
        partitioned_until=until,
        default_rows=default_rows,
    )


def iter_problems(status: Status, max_lag: timedelta = MAX_LAG) -> Iterator[str]:
    """What is off, one sentence each."""
    lag = status.lag_seconds("rollup_day")
    if lag is None:
        yield "the rollups have not reported how far they are"
    elif lag > max_lag.total_seconds():
        yield f"the rollups are {lag:.0f} s behind"
    for name in status.silent:
        yield f"the source '{name}' is silent"
    for grain, queue in status.queues.items():
        if queue.since is not None and status.at - queue.since > QUEUE_PATIENCE:
            yield f"a dirty {grain} waits since {clock.format_second(queue.since)}"
    for reason, count in status.dead_letters.items():
        yield f"{count} dead letters are open: {reason}"
    if mismatched := status.costs.get("mismatch"):
        yield f"{mismatched} costs do not follow their price row"
    for scope, run in status.reconciliations.items():
        if run.result == "different":
            yield f"the last reconciliation of {scope} found differences"
    if status.partitioned_until is None or status.partitioned_until - status.at < PARTITION_AHEAD:
        yield "a table has no partition for tomorrow"
    if status.default_rows:
        yield f"{status.default_rows} facts found no partition"


def _read_counts(connection: Connection, query: str) -> dict[str, int]:
    return dict(connection.execute(queries[query]).fetchall())


def _show(at: datetime | None) -> str | None:
    return None if at is None else clock.format_second(at)


def _show_marks(marks: Watermarks) -> dict[str, Any]:
    return {"settled_through": _show(marks.settled_through), "complete_through": _show(marks.complete_through)}


def _show_run(run: Run) -> dict[str, Any]:
    shown = {"finished_at": _show(run.finished_at), "result": run.result}
    return shown if run.seconds is None else {**shown, "seconds": round(run.seconds, 3)}

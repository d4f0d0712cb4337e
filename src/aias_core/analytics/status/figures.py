"""What the metrics of the pipeline are made of, read in one go and since the last time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aias_core.analytics.status.read import Status, queries, read_status

if TYPE_CHECKING:
    from psycopg import Connection

FRESH, STALE = timedelta(seconds=300), timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class Figures:
    """The state, sums of what reconciliation found, and the seconds of everything that ended since an instant."""

    status: Status
    deltas: dict[tuple[str, str], int]
    organizations: dict[str, int]
    jobs: dict[str, int]
    oldest_pending_at: datetime | None
    unclosed_months: int
    batches: Sequence[float]
    rollups: Sequence[float]
    rollup_rows: int
    exports: Sequence[float]


def read_figures(connection: Connection, since: datetime) -> Figures:
    """The figures now; durations are of what ended after `since`."""
    status = read_status(connection)
    runs = [run.run_id for run in status.reconciliations.values()]
    jobs = connection.execute(queries["count_jobs"]).fetchall()
    rollups = _since(connection, "list_rollups_since", since)
    [unclosed] = connection.execute(queries["count_unclosed_months"]).fetchone() or (0,)
    return Figures(
        status=status,
        deltas={(c, m): int(d) for c, m, d in connection.execute(queries["sum_deltas"], {"runs": runs})},
        organizations=_count_organizations(connection, status),
        jobs={name: count for name, count, _ in jobs},
        oldest_pending_at=min((at for _, _, at in jobs if at is not None), default=None),
        unclosed_months=unclosed,
        batches=[row[1] for row in _since(connection, "list_batches_since", since)],
        rollups=[row[1] for row in rollups],
        rollup_rows=sum(row[2] for row in rollups),
        exports=[row[1] for row in _since(connection, "list_exports_since", since)],
    )


def _count_organizations(connection: Connection, status: Status) -> dict[str, int]:
    """Organizations by the freshness of their figures: the pipeline's lag, and idle where nothing was sent lately."""
    everyone, active = connection.execute(queries["count_active_organizations"]).fetchone() or (0, 0)
    lag = status.lag_seconds("rollup_day")
    if lag is None:
        return {"unknown": everyone}
    if lag < FRESH.total_seconds():
        return {"fresh": active, "idle": everyone - active}
    return {"stale" if lag < STALE.total_seconds() else "delayed": everyone}


def _since(connection: Connection, query: str, since: datetime) -> list[tuple[Any, ...]]:
    return connection.execute(queries[query], {"since": since}).fetchall()

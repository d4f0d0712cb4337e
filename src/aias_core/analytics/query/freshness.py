"""How current the figures are, measured on the pipeline and never guessed.

`fresh` below 300 s behind, `stale` below 600 s, `delayed` beyond; `idle` when the pipeline is fresh and the scope had
no event for an hour; `unknown` when no watermark was ever published.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock, windows
from aias_core.analytics.query.parameters import Dimension
from aias_core.analytics.query.scope import Scope, reading
from aias_core.analytics.query.selection import find_ids
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

FRESH, STALE, IDLE = timedelta(seconds=300), timedelta(seconds=600), timedelta(hours=1)
_SEARCHED = timedelta(days=31)

_queries = load_queries(__file__)


class Status(StrEnum):
    """What can be said of the figures of a scope."""

    FRESH = "fresh"
    STALE = "stale"
    DELAYED = "delayed"
    IDLE = "idle"
    UNKNOWN = "unknown"


def judge(now: datetime, settled: datetime | None, last_event_at: datetime | None) -> Status:
    """The status for a watermark and the last event in scope. A stopped pipeline is never idle."""
    if settled is None:
        return Status.UNKNOWN
    lag = now - settled
    if lag >= FRESH:
        return Status.STALE if lag < STALE else Status.DELAYED
    return Status.IDLE if last_event_at is None or now - last_event_at >= IDLE else Status.FRESH


def read_watermarks(connection: Connection) -> tuple[datetime | None, datetime | None]:
    """Through when the rollups hold every request that ended, and every request that was admitted."""
    return connection.execute(_queries["read_watermarks"]).fetchone() or (None, None)


def read_freshness(connection: Connection, scope: Scope, models: tuple[str, ...] = ()) -> dict[str, Any]:
    """Status, watermarks and what waits, of a scope or some of its models. Raises InvalidQuery for an unknown one."""
    now = clock.now()
    settled, complete = read_watermarks(connection)
    late, letters = _read_backlog(connection, scope, now)
    with reading(connection, scope):
        model_ids = find_ids(connection, Dimension.MODEL, models) if models else None
        last_event_at = _read_last_event(connection, scope, now, model_ids)
    return {
        "status": str(judge(now, settled, last_event_at)),
        "as_of": clock.format_instant(now),
        "settled_through": _show(settled),
        "complete_through": _show(complete),
        "pipeline_lag_seconds": None if settled is None else round(max(0.0, (now - settled).total_seconds()), 1),
        "last_event_at": _show(last_event_at),
        "late_pending": late,
        "dead_letters_open": letters,
    }


def _read_backlog(connection: Connection, scope: Scope, now: datetime) -> tuple[int, int]:
    before = windows.hour_of(now - timedelta(hours=1))
    row = connection.execute(_queries["read_backlog"], {"before": before, "orgs": _orgs(scope)}).fetchone()
    return row or (0, 0)


def _read_last_event(connection: Connection, scope: Scope, now: datetime, models: list[UUID] | None) -> datetime | None:
    values = {"orgs": _orgs(scope), "models": models, "since": now - _SEARCHED}
    row = connection.execute(_queries["read_last_event"], values).fetchone()
    return row[0] if row else None


def _orgs(scope: Scope) -> list[UUID] | None:
    return None if scope.orgs is None else list(scope.orgs)


def _show(at: datetime | None) -> str | None:
    return None if at is None else clock.format_instant(at)

"""What has to hold before a month is frozen, each by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from aias_core import clock
from aias_core.database.queries import load_queries
from aias_core.finance.export.source import find_watermark
from aias_core.finance.export.source import queries as export_queries
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

GRACE = timedelta(hours=72)
LATEST_LETTER = timedelta(days=35)
Reconcile: TypeAlias = "Callable[[Connection, Window], Reconciled]"

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome of a comparison of the month: differences, and buckets that could not be compared yet."""

    differences: int
    open_buckets: int


@dataclass(frozen=True, slots=True)
class Precondition:
    """One thing that has to hold, whether it does, and what was seen."""

    precondition: str
    met: bool
    detail: str
    waived: str | None = None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def check_preconditions(
    connection: Connection, window: Window, reconcile: Reconcile, waive_dead_letters: str | None = None
) -> list[Precondition]:
    """Every precondition of freezing a month, in the order in which they are worth mending."""
    bounds = {"start": window.start, "end": window.end, "latest": window.end + LATEST_LETTER}
    reconciled = reconcile(connection, window)
    through = find_watermark(connection)
    letters = _count_letters(connection, window, bounds)
    shown = "never reported" if through is None else clock.format_second(through)
    return [
        _is_over(window),
        Precondition("complete", through is not None and through >= window.end, f"complete through: {shown}"),
        _is_zero(
            "sources-sealed",
            _count(connection, "count_unsealed", bounds) + _count(connection, "count_lagging_sources", bounds),
            "sources or hours of sources are neither sealed nor retired",
        ),
        _is_zero("rolled-up", _count_dirty(connection, bounds), "buckets wait to be recomputed"),
        _is_zero("reconciled", reconciled.differences + reconciled.open_buckets, "differences or open buckets"),
        _is_zero("costs-proven", _count(connection, "count_unproven_costs", bounds), "costs are pending or mismatched"),
        Precondition("dead-letters", letters == 0, f"{letters} dead letters of the month are open", waive_dead_letters),
    ]


def _is_over(window: Window) -> Precondition:
    earliest = window.end + GRACE
    detail = f"it can be closed from {clock.format_second(earliest)}"
    return Precondition("month-over", clock.now() >= earliest, detail)


def _is_zero(name: str, count: int, what: str) -> Precondition:
    return Precondition(name, count == 0, f"{count} {what}")


def _count(connection: Connection, query: str, bounds: Mapping[str, Any]) -> int:
    row = connection.execute(_queries[query], bounds).fetchone()
    return int(row[0]) if row else 0


def _count_dirty(connection: Connection, bounds: Mapping[str, Any]) -> int:
    row = connection.execute(export_queries["count_open_buckets"], bounds).fetchone()
    return int(row[0]) if row else 0


def _count_letters(connection: Connection, window: Window, bounds: Mapping[str, Any]) -> int:
    letters = connection.execute(_queries["list_open_letters"], bounds)
    return sum(_read_time(bytes(payload), received_at) in window for received_at, payload in letters)


def _read_time(payload: bytes, received_at: datetime) -> datetime:
    try:
        return clock.parse_instant(json.loads(payload)["occurred_at"])
    except (ValueError, KeyError, TypeError):
        return received_at

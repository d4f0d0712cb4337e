"""The single requests behind a line, newest first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row

from aias_core import clock, ids
from aias_core.analytics.query.cursor import read_cursor, write_cursor
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import Filters
from aias_core.analytics.query.scope import Scope, reading
from aias_core.analytics.query.selection import select_rows
from aias_core.database.queries import load_queries
from aias_core.database.rows import plain
from aias_core.errors import NotFound
from aias_core.money import format_pico
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

WINDOW_LIMIT = timedelta(days=7)
LIMIT, DEFAULT = 1_000, 100
_HIGHEST = UUID(int=2**128 - 1)
_ID_TOLERANCE = timedelta(seconds=2)

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: of a window of at most 7 days, filtered, a page of at most 1,000."""

    window: Window
    filters: Filters = field(default_factory=Filters)
    limit: int = DEFAULT
    cursor: str | None = None

    def __post_init__(self) -> None:
        if self.window.end - self.window.start > WINDOW_LIMIT:
            raise InvalidQuery("window_too_long", "to", "Events are listed for at most 7 days")
        if not 1 <= self.limit <= LIMIT:
            raise InvalidQuery("invalid_limit", "limit", f"{self.limit} is not from 1 to {LIMIT}")

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr((self.window, self.filters)).encode()).hexdigest()


def list_events(connection: Connection, scope: Scope, query: EventQuery, *, money: bool = True) -> dict[str, Any]:
    """`{data, next_cursor}`: events newest first, without labels and hashes of end users. Raises InvalidQuery."""
    at, event_id = _parse_position(query)
    with reading(connection, scope):
        selection = select_rows(connection, scope, query.filters)
        statement = sql.SQL(_queries["list_events"]).format(filters=selection.condition)
        bounds = {"start": query.window.start, "end": query.window.end, "limit": query.limit + 1}
        with connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(statement, {**selection.values, **bounds, "at": at, "event_id": event_id}).fetchall()
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    position = None if last is None else [clock.format_instant(last["occurred_at"]), str(last["event_id"])]
    following = None if position is None else write_cursor(query.fingerprint, position)
    return {"data": [_show(row, money=money) for row in page], "next_cursor": following}


def get_event(connection: Connection, scope: Scope, event_id: UUID, *, money: bool = True) -> dict[str, Any]:
    """One event of the scope. Raises NotFound, also for one of another organization."""
    near = ids.instant_of(event_id) if event_id.version == 7 else None
    with reading(connection, scope):
        selection = select_rows(connection, scope, Filters())
        statement = sql.SQL(_queries["find_event"]).format(filters=selection.condition)
        row = None
        if near is not None:
            bounds = {"start": near - _ID_TOLERANCE, "end": near + _ID_TOLERANCE, "event_id": event_id}
            with connection.cursor(row_factory=dict_row) as cursor:
                row = cursor.execute(statement, {**selection.values, **bounds}).fetchone()
    if row is None:
        raise NotFound(f"There is no event '{event_id}'", hint="an event id is the request id of an admitted request")
    return _show(row, money=money)


def _parse_position(query: EventQuery) -> tuple[datetime, UUID]:
    if query.cursor is None:
        return query.window.end, _HIGHEST
    try:
        at, event_id = read_cursor(query.cursor, query.fingerprint)
        return clock.parse_instant(at), UUID(event_id)
    except (ValueError, TypeError) as exc:
        raise InvalidQuery("invalid_cursor", "cursor", "The cursor does not belong to this question") from exc


def _show(row: Mapping[str, Any], *, money: bool) -> dict[str, Any]:
    shown = {name: plain(value) for name, value in row.items() if name not in ("cost_pico", "currency", "price_id")}
    if money:
        shown |= {
            "cost": format_pico(row["cost_pico"]),
            "currency": row["currency"],
            "price_id": plain(row["price_id"]),
        }
    return shown

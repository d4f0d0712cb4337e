"""Which window is meant: two bounds, or a period with a name, in the zone of the report."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from aias_core import clock
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.zones import floor_to, midnight, next_edge, next_month
from aias_core.errors import InvalidInput
from aias_core.windows import Grain, Window

PERIODS = ("24h", "7d", "30d", "mtd", "last-month", "YYYY-MM")
_LENGTHS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_MONTH = re.compile(r"(?!0000)(\d{4})-(0[1-9]|1[0-2])")


def parse_window(start: str | None, end: str | None, period: str | None, grain: Grain, zone: ZoneInfo) -> Window:
    """The window of two bounds or of a period. Raises InvalidQuery, `invalid_window`, for none, both or bad ones.

    A bound is RFC 3339 with a zone, or a date, which means its midnight in the zone of the report. `to` may be left
    out: it is the end of the present bucket.
    """
    if period is not None and (start or end):
        raise InvalidQuery("invalid_window", "period", "A window is given as a period or by its bounds, not as both")
    if period is not None:
        return period_window(period, grain, zone)
    if start is None:
        raise InvalidQuery(
            "invalid_window", "from", "The window is missing", hint=f"give from and to, or period: {', '.join(PERIODS)}"
        )
    first = parse_bound(start, "from", zone)
    last = parse_bound(end, "to", zone) if end else next_edge(floor_to(clock.now(), grain, zone), grain, zone)
    try:
        return Window(first, last)
    except InvalidInput as exc:
        raise InvalidQuery("invalid_window", "to", exc.message) from exc


def parse_bound(text: str, field: str, zone: ZoneInfo) -> datetime:
    """One bound of a window in UTC. Raises InvalidQuery, `invalid_window`."""
    try:
        return midnight(date.fromisoformat(text), zone) if len(text) == 10 else clock.parse_instant(text)
    except (ValueError, OverflowError) as exc:
        raise InvalidQuery(
            "invalid_window",
            field,
            f"'{text}' is neither a date nor an instant with a zone",
            hint="write 2026-10-01 or 2026-10-01T00:00:00Z",
        ) from exc


def period_window(period: str, grain: Grain, zone: ZoneInfo) -> Window:
    """The window of a named period; the running ones end with the bucket that holds now."""
    now = clock.now()
    end = next_edge(floor_to(now, grain, zone), grain, zone)
    month = floor_to(now, Grain.MONTH, zone)
    if period in _LENGTHS:
        return Window(floor_to(end - _LENGTHS[period], grain, zone), end)
    if period == "mtd":
        return Window(month, end)
    if period == "last-month":
        return Window(floor_to(month - timedelta(days=1), Grain.MONTH, zone), month)
    if found := _MONTH.fullmatch(period):
        first = date(int(found[1]), int(found[2]), 1)
        if first > now.astimezone(zone).date():
            raise InvalidQuery("invalid_window", "period", f"The month {period} has not begun yet")
        return Window(midnight(first, zone), midnight(next_month(first), zone))
    raise InvalidQuery("invalid_window", "period", f"'{period}' is not a period", hint=f"one of: {', '.join(PERIODS)}")


def previous_window(window: Window, zone: ZoneInfo) -> Window:
    """The window of the same length right before: as many months where it is whole months, else days or hours."""
    first, last = window.start.astimezone(zone), window.end.astimezone(zone)
    if first == first.replace(day=1, hour=0, minute=0) and last == last.replace(day=1, hour=0, minute=0):
        months = (last.year - first.year) * 12 + last.month - first.month
        year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
        return Window(midnight(date(year, month + 1, 1), zone), window.start)
    if first.time() == last.time():
        before = first.replace(tzinfo=None) - (last.replace(tzinfo=None) - first.replace(tzinfo=None))
        return Window(before.replace(tzinfo=zone).astimezone(window.start.tzinfo), window.start)
    return Window(window.start - (window.end - window.start), window.start)

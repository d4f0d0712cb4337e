"""Buckets of a reporting time zone. A zone is a view: edges are computed here, what is stored stays in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aias_core.analytics.query.faults import InvalidQuery
from aias_core.windows import Grain, Window


def get_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as `Europe/Berlin`. Raises InvalidQuery, `unknown_zone`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise InvalidQuery(
            "unknown_zone", "tz", f"'{name}' is not a time zone", hint="write an IANA name, for example Europe/Berlin"
        ) from exc


def floor_to(at: datetime, grain: Grain, zone: ZoneInfo) -> datetime:
    """The start, in UTC, of the bucket that holds an instant."""
    local = at.astimezone(zone)
    match grain:
        case Grain.HOUR:
            return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        case Grain.DAY:
            return midnight(local.date(), zone)
        case Grain.MONTH:
            return midnight(local.date().replace(day=1), zone)


def next_edge(edge: datetime, grain: Grain, zone: ZoneInfo) -> datetime:
    """The start of the bucket after the one that begins at `edge`."""
    if grain is Grain.HOUR:
        return edge + timedelta(hours=1)
    day = edge.astimezone(zone).date()
    return midnight(next_month(day) if grain is Grain.MONTH else day + timedelta(days=1), zone)


def list_edges(window: Window, grain: Grain, zone: ZoneInfo, limit: int) -> list[datetime]:
    """The starts of the buckets of an aligned window and its end; at most `limit` buckets are looked for."""
    edges = [window.start]
    while edges[-1] < window.end and len(edges) <= limit + 1:
        edges.append(next_edge(edges[-1], grain, zone))
    return edges


def widen(window: Window, grain: Grain, zone: ZoneInfo) -> Window:
    """The smallest window of whole buckets that holds a window."""
    end = floor_to(window.end, grain, zone)
    return Window(floor_to(window.start, grain, zone), end if end == window.end else next_edge(end, grain, zone))


def are_hours(edges: Sequence[datetime]) -> bool:
    """Whether every edge is the start of a UTC hour, so that stored hours add up to the buckets."""
    return all(edge.minute == 0 and edge.second == 0 for edge in edges)


def are_days(edges: Sequence[datetime]) -> bool:
    """Whether every edge is a UTC midnight, so that stored days add up to the buckets."""
    return are_hours(edges) and all(edge.hour == 0 for edge in edges)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a day begins in a zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)

"""The only place that asks what time it is."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def format_instant(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds, for example `2026-10-01T00:00:00.000000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def format_second(at: datetime) -> str:
    """RFC 3339 in UTC to the second, for the edges of buckets and windows."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """The aware UTC instant of an RFC 3339 text. Raises ValueError for one without zone or beyond the calendar."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"'{text}' names no time zone")
    try:
        return at.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(f"'{text}' is beyond the calendar") from exc


def parse_span(text: str) -> timedelta:
    """A length of time as people write it: `90m`, `8h`, `2d`. Raises ValueError."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a length of time such as 30m, 8h or 2d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_end(text: str) -> datetime:
    """An instant, or one so long from now: `2026-10-01T12:00:00Z`, `2h`. Raises ValueError."""
    return now() + parse_span(text) if _SPAN.fullmatch(text.strip()) else parse_instant(text)

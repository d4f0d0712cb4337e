"""Half-open UTC windows `[start, end)`: hours, days and months."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from aias_core import clock
from aias_core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to but not including `end`, both aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware instants")
        if self.start >= self.end:
            raise InvalidInput(
                f"The window ends at {self.end.isoformat()}, which is not after its start {self.start.isoformat()}"
            )

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


class Grain(StrEnum):
    """The length of a bucket; `hourly`, `daily` and `monthly` mean the same."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @classmethod
    def _missing_(cls, value: object) -> Grain | None:
        return {"hourly": cls.HOUR, "daily": cls.DAY, "monthly": cls.MONTH}.get(str(value))


def parse_grain(text: str) -> Grain:
    """A grain by its name. Raises InvalidInput for another."""
    try:
        return Grain(text)
    except ValueError as exc:
        raise InvalidInput(f"'{text}' is not a granularity", hint=f"one of: {', '.join(Grain)}") from exc


def hour_of(at: datetime) -> datetime:
    """The start of the UTC hour that holds `at`."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    """The start of the UTC day that holds `at`."""
    return hour_of(at).replace(hour=0)


def month_of(at: datetime) -> datetime:
    """The start of the UTC month that holds `at`."""
    return day_of(at).replace(day=1)


def next_month(start: datetime) -> datetime:
    """The start of the month after the one that holds `start`."""
    return month_of(month_of(start) + timedelta(days=31))


def month_window(text: str) -> Window:
    """The window of a month written `YYYY-MM`. Raises InvalidInput for another form or a month that has not begun."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
        raise InvalidInput(f"'{text}' is not a month", hint="write it as YYYY-MM, for example 2026-10")
    start = datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC)
    if start > clock.now():
        raise InvalidInput(f"The month {text} has not begun yet", hint=f"the latest month is {current_month()}")
    return Window(start, next_month(start))


def parse_window(start: str, end: str) -> Window:
    """The window between two RFC 3339 instants or dates, which are UTC midnights. Raises InvalidInput."""
    return Window(parse_edge(start), parse_edge(end))


def parse_span(text: str) -> timedelta:
    """A length of time written as a number with s, m, h or d. Raises InvalidInput."""
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not re.fullmatch(r"\d{1,6}", text[:-1]):
        raise InvalidInput(f"'{text}' is not a length of time", hint="write it as 90s, 5m, 2h or 7d")
    return timedelta(**{unit: int(text[:-1])})


def parse_edge(text: str) -> datetime:
    """The instant of an RFC 3339 text, or the UTC midnight of a date. Raises InvalidInput."""
    try:
        return clock.parse_instant(f"{text}T00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)
    except ValueError as exc:
        raise InvalidInput(
            f"'{text}' is not a time in UTC", hint="write it as 2026-10-01 or 2026-10-01T00:00Z"
        ) from exc


def current_month() -> str:
    """The present UTC month as `YYYY-MM`."""
    return clock.now().strftime("%Y-%m")

"""What file somebody asks for: which months, days or hours, of whom, in which form; and whether that is possible."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.windows import Grain, Window, day_of, hour_of, month_of, month_window, next_month

MOST_DAYS = 31
MOST_MONTHS = 13
_DAYS_OF = {"24h": 1, "7d": 7, "30d": 30}


class Kind(StrEnum):
    """The columns: our own, or those of FOCUS 1.2."""

    USAGE = "usage"
    FOCUS = "focus"


class Format(StrEnum):
    """The form of the file."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Compression(StrEnum):
    """How the file is compressed; Parquet compresses its own pages."""

    NONE = "none"
    GZIP = "gz"
    ZSTD = "zst"


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization."""

    org_id: UUID
    slug: str


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who provides the service and how it is called, as the profile says."""

    name: str = "aias"
    service: str = "Inference"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One file. Raises InvalidInput when it cannot be: a window too long or not on the grain, a form that is not."""

    window: Window
    scope: Scope | None = None
    granularity: Grain = Grain.DAY
    kind: Kind = Kind.USAGE
    format: Format = Format.CSV
    compression: Compression = Compression.NONE
    models: tuple[UUID, ...] = ()
    projects: tuple[UUID, ...] = ()
    statement: int | None = None
    issuer: Issuer = Issuer()

    def __post_init__(self) -> None:
        if self.kind is Kind.FOCUS and (self.format is Format.JSONL or self.granularity is not Grain.DAY):
            raise InvalidInput("A FOCUS file has days, as CSV or Parquet", hint="leave out --granularity and --format")
        if self.format is Format.PARQUET and self.compression is not Compression.NONE:
            raise InvalidInput("A Parquet file is compressed in itself", hint="leave out --compress")
        _check_window(self.window, self.granularity)

    def narrowed(self, scope: Scope | None, models: tuple[UUID, ...], projects: tuple[UUID, ...]) -> ExportRequest:
        """The same file of one organization, of some models, of some projects."""
        return replace(self, scope=scope, models=models, projects=projects)

    @property
    def is_whole_month(self) -> bool:
        return self.window.start == month_of(self.window.start) and self.window.end == next_month(self.window.start)

    @property
    def is_filtered(self) -> bool:
        return bool(self.models or self.projects)

    @property
    def period(self) -> str:
        """The window as part of a file name: `2026-10`, or both days."""
        if self.is_whole_month:
            return f"{self.window.start:%Y-%m}"
        return f"{_name_of(self.window.start)}_{_name_of(self.window.end)}"

    def file_name(self, version: int) -> str:
        """The name of the file, for example `aias-usage_all_2026-10_day_v0.csv`; another filter gives another name."""
        whose = self.scope.slug if self.scope else "all"
        ending = "" if self.compression is Compression.NONE else f".{self.compression}"
        what = f"{self.granularity}_{self._filter_hash()}" if self.is_filtered else self.granularity
        return f"aias-{self.kind}_{whose}_{self.period}_{what}_v{version}.{self.format}{ending}"

    def _filter_hash(self) -> str:
        wanted = [sorted(map(str, self.models)), sorted(map(str, self.projects))]
        return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]


def find_window(month: str | None, period: str | None, start: str | None, end: str | None) -> Window:
    """The window that is meant by `--month`, by `--period` or by `--from` and `--to`; exactly one of the three.

    Raises InvalidInput for none, for two, for one bound alone and for a month that has not begun.
    """
    given = [month is not None, period is not None, start is not None or end is not None]
    if sum(given) != 1 or (start is None) != (end is None):
        raise InvalidInput("Say which period is meant, once", hint="give --month, or --period, or --from and --to")
    if start is not None and end is not None:
        return Window(_parse_bound(start), _parse_bound(end))
    return _find_month(month) if month is not None else _find_period(period or "")


def _find_month(text: str) -> Window:
    this = month_of(clock.now())
    named = {"current": this, "last": month_of(this - timedelta(days=1))}
    return month_window(f"{named[text]:%Y-%m}" if text in named else text)


def _find_period(text: str) -> Window:
    now = clock.now()
    tomorrow = day_of(now) + timedelta(days=1)
    if text == "mtd":
        return Window(month_of(now), tomorrow)
    if text == "24h":
        return Window(hour_of(now) - timedelta(hours=23), hour_of(now) + timedelta(hours=1))
    if text in _DAYS_OF:
        return Window(tomorrow - timedelta(days=_DAYS_OF[text]), tomorrow)
    if text == "last-month":
        return _find_month("last")
    if re.fullmatch(r"\d{4}-\d\d", text):
        return month_window(text)
    raise InvalidInput(f"'{text}' is not a period", hint="there are: 24h, 7d, 30d, mtd, last-month and YYYY-MM")


def _parse_bound(text: str) -> datetime:
    try:
        return clock.parse_instant(f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)
    except ValueError as exc:
        raise InvalidInput(f"'{text}' is not a time", hint="write 2026-10-01 or 2026-10-01T00:00:00Z") from exc


def _check_window(window: Window, granularity: Grain) -> None:
    floor = {Grain.HOUR: hour_of, Grain.DAY: day_of, Grain.MONTH: month_of}[granularity]
    for bound in (window.start, window.end):
        if floor(bound) != bound:
            raise InvalidInput(
                f"{clock.format_second(bound)} is not the edge of a {granularity}",
                hint="choose bounds on the grain, or a finer --granularity",
            )
    months = (window.end.year - window.start.year) * 12 + window.end.month - window.start.month
    if granularity is Grain.MONTH and months > MOST_MONTHS:
        raise InvalidInput(f"The window has {months} months, at most {MOST_MONTHS} fit", hint="export it in parts")
    if granularity is not Grain.MONTH and window.end - window.start > timedelta(days=MOST_DAYS):
        raise InvalidInput(f"The window is longer than {MOST_DAYS} days", hint="export it in parts, or by month")


def _name_of(bound: datetime) -> str:
    return bound.strftime("%Y-%m-%d" if bound == day_of(bound) else "%Y-%m-%dT%H%M")

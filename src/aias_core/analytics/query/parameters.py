"""The one form of a question about usage: texts as they came, and what they mean once checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.periods import parse_window, previous_window
from aias_core.analytics.query.zones import get_zone, list_edges, widen
from aias_core.windows import Grain, Window

BUCKETS_LIMIT = {Grain.HOUR: 31 * 24 + 1, Grain.DAY: 400, Grain.MONTH: 13}
LIMIT_TEXT = {Grain.HOUR: "31 days", Grain.DAY: "400 days", Grain.MONTH: "13 months"}
PERCENTILES = (50, 90, 95, 99)
GROUPS_LIMIT, TOP_LIMIT, PAGE_LIMIT, PAGE_DEFAULT = 2, 100, 30_000, 1_000
NONE = "none"
OPERATIONS = ("chat", "completion", "embedding", "other")


class Dimension(StrEnum):
    """What a series may be split by."""

    MODEL = "model"
    PROJECT = "project"
    KEY = "key"
    OPERATION = "operation"
    REGION = "region"
    STATUS = "status"
    ORG = "org"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which part of the usage is meant: names or ids; none given is all. `none` is what has no such thing."""

    model: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    region: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question as texts, from a query string or a command line."""

    start: str | None = None
    end: str | None = None
    period: str | None = None
    granularity: str | None = None
    filters: Filters = field(default_factory=Filters)
    group_by: tuple[str, ...] = ()
    fill: str = NONE
    tz: str = "UTC"
    align: bool = False
    compare: str | None = None
    top: int | None = None
    percentiles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """A checked question: `edges` are the starts of its buckets and its end, in UTC."""

    window: Window
    grain: Grain
    zone: ZoneInfo
    edges: tuple[datetime, ...]
    filters: Filters = field(default_factory=Filters)
    group_by: tuple[Dimension, ...] = ()
    fill: bool = False
    compare: bool = False
    top: int | None = None
    percentiles: tuple[int, ...] = ()
    money: bool = True

    @property
    def fingerprint(self) -> str:
        """The same for the same question, whoever asks and whichever page."""
        parts = (self.window, self.grain, self.zone.key, asdict(self.filters), self.group_by, self.fill)
        return hashlib.sha256(repr((parts, self.compare, self.top, self.percentiles, self.money)).encode()).hexdigest()

    def previous(self) -> UsageQuery:
        """The same question about the window of the same length right before. Raises as `build_query`."""
        return _with_window(self, previous_window(self.window, self.zone))


def build_query(question: Question, *, money: bool = True) -> UsageQuery:
    """The checked question. Raises InvalidQuery with the item that is wrong: a window, zone, group or number."""
    zone = get_zone(question.tz)
    grain = parse_grain(question.granularity, question.period)
    window = parse_window(question.start, question.end, question.period, grain, zone)
    query = UsageQuery(
        widen(window, grain, zone) if question.align else window,
        grain,
        zone,
        (),
        filters=question.filters,
        group_by=parse_groups(question.group_by),
        fill=_one_of(question.fill, ("zero", NONE), "fill") == "zero",
        compare=_one_of(question.compare or NONE, ("previous", NONE), "compare") == "previous",
        top=_between(question.top, 1, TOP_LIMIT, "top"),
        percentiles=_check_percentiles(question.percentiles),
        money=money,
    )
    for operation in question.filters.operation:
        _one_of(operation, OPERATIONS, "operation")
    return _with_window(query, query.window)


def parse_grain(text: str | None, period: str | None) -> Grain:
    """The grain of a name or of its alias; days where none is named, hours for the last 24."""
    if text is None:
        return Grain.HOUR if period == "24h" else Grain.DAY
    try:
        return Grain(text)
    except ValueError as exc:
        hint = f"one of: {', '.join(Grain)}"
        raise InvalidQuery("invalid_granularity", "granularity", f"'{text}' is not known", hint=hint) from exc


def parse_groups(texts: Sequence[str]) -> tuple[Dimension, ...]:
    """The dimensions to split by, in order. Raises InvalidQuery for an unknown, repeated or third one."""
    groups = tuple(Dimension(_one_of(text, tuple(Dimension), "group_by")) for text in texts)
    if len(set(groups)) < len(groups) or len(groups) > GROUPS_LIMIT:
        raise InvalidQuery("invalid_group", "group_by", f"A series is split by at most {GROUPS_LIMIT} different things")
    return groups


def _with_window(query: UsageQuery, window: Window) -> UsageQuery:
    limit = BUCKETS_LIMIT[query.grain]
    edges = list_edges(window, query.grain, query.zone, limit)
    if len(edges) - 1 > limit:
        raise InvalidQuery(
            "window_too_long",
            "to",
            f"By {query.grain} a window has at most {LIMIT_TEXT[query.grain]}",
            hint="ask for a coarser granularity or a shorter window",
        )
    if Window(edges[0], edges[-1]) != widen(window, query.grain, query.zone) or edges[-1] != window.end:
        raise InvalidQuery(
            "unaligned_window",
            "from",
            f"The window does not begin and end with a {query.grain} of {query.zone.key}",
            hint="widen it outward with --align, or align=true",
        )
    return replace(query, window=window, edges=tuple(edges))


Text = TypeVar("Text", bound=str)


def _one_of(text: str, known: Sequence[Text], field: str) -> str:
    if text not in known:
        raise InvalidQuery(f"invalid_{field}", field, f"'{text}' is not known", hint=f"one of: {', '.join(known)}")
    return text


def _between(number: int | None, low: int, high: int, field: str) -> int | None:
    if number is not None and not low <= number <= high:
        raise InvalidQuery(f"invalid_{field}", field, f"{number} is not from {low} to {high}")
    return number


def check_limit(limit: int | None) -> int:
    """How many rows a page has. Raises InvalidQuery, `invalid_limit`."""
    return PAGE_DEFAULT if limit is None else _between(limit, 1, PAGE_LIMIT, "limit") or PAGE_DEFAULT


def _check_percentiles(percentiles: Sequence[int]) -> tuple[int, ...]:
    for percent in percentiles:
        if percent not in PERCENTILES:
            known = ", ".join(map(str, PERCENTILES))
            raise InvalidQuery("invalid_percentiles", "percentiles", f"{percent} is not known", hint=f"one of: {known}")
    return tuple(sorted(set(percentiles)))

"""Usage and reliability: series and totals of one snapshot, so that the totals are the sum of the series."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from aias_core import clock
from aias_core.analytics import sketch
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.freshness import read_watermarks
from aias_core.analytics.query.lines import COUNTERS, Group, Line, Lines, fill, fold, read_lines
from aias_core.analytics.query.parameters import Dimension, UsageQuery
from aias_core.analytics.query.scope import Scope, reading
from aias_core.analytics.query.selection import find_currency, read_names, select_rows, show_keys
from aias_core.analytics.query.sources import choose_source
from aias_core.analytics.stores.postgres.answers import PostgresAnswers
from aias_core.analytics.stores.protocol import AnswerStore, Reading
from aias_core.money import format_pico

if TYPE_CHECKING:
    from psycopg import Connection

RELATIVE_ERROR = 0.01
OUTCOMES = COUNTERS[:7]
TOKENS = COUNTERS[7:11]


def read_usage(
    connection: Connection, scope: Scope, query: UsageQuery, store: AnswerStore | None = None
) -> dict[str, Any]:
    """Series by bucket and group with totals by currency; with `compare`, the totals of the window before as well.

    Names and freshness are read here; the rows come from the `store`, which is this database if none is given.

    Counts and tokens are whole numbers, `cost` a decimal text with twelve places, absent where the question leaves
    money out. `partial` marks a bucket that the pipeline has not fully reached. Raises InvalidQuery.
    """
    return _answer(connection, scope, query, _describe_usage, store or PostgresAnswers(connection))


def read_reliability(
    connection: Connection, scope: Scope, query: UsageQuery, store: AnswerStore | None = None
) -> dict[str, Any]:
    """Outcomes, rates and percentiles by bucket and group. Percentiles are milliseconds of successful requests."""
    return _answer(connection, scope, query, _describe_reliability, store or PostgresAnswers(connection))


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles while an answer is built: its thousands of lines hold none, and each search reads them all.

    Several may overlap; the first one that ends lets the collector work again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_uncollected()
def _answer(
    connection: Connection, scope: Scope, query: UsageQuery, describe: Any, store: AnswerStore
) -> dict[str, Any]:
    if scope.tenant is not None and Dimension.ORG in query.group_by:
        raise InvalidQuery("invalid_group", "group_by", "The usage of one organization is not split by organization")
    settled, _ = read_watermarks(connection)
    with reading(connection, scope):
        lines = _read(connection, scope, query, store)
        names = [read_names(connection, d, {g[i] for _, g, _ in lines.series}) for i, d in enumerate(query.group_by)]
        before = _read(connection, scope, query.previous(), store) if query.compare else None
    through = min(clock.now(), settled) if settled else clock.now()
    buckets = {start: _show_bucket(start, end, through) for start, end in pairwise(query.edges)}
    keys = {group: show_keys(query.group_by, group, names) for group in {group for _, group, _ in lines.series}}
    series = [
        {**buckets[bucket], "keys": keys[group], **describe(query, line, currency)}
        for (bucket, group, currency), line in _sort(lines, keys)
    ]
    totals = _total(lines, query, describe)
    answer: dict[str, Any] = {"granularity": str(query.grain), "window": _show_window(query), "series": series}
    answer["totals"] = totals
    if before is not None:
        previous = query.previous()
        answer["previous"] = {"window": _show_window(previous), "totals": _total(before, previous, describe)}
    return {**answer, "data_version": _hash(answer)}


def _read(connection: Connection, scope: Scope, query: UsageQuery, store: AnswerStore) -> Lines:
    by_key = bool(query.filters.key) or Dimension.KEY in query.group_by or scope.holder is not None
    source = choose_source(query, by_key=by_key)
    lines = read_lines(store, Reading(query, source, select_rows(connection, scope, query.filters)))
    fold(lines, query)
    fill(lines, query, find_currency(connection, scope) if query.money else "")
    return lines


def _sort(lines: Lines, keys: dict[Group, dict[str, Any]]) -> list[tuple[tuple[datetime, Group, str], Line]]:
    places = {group: tuple(map(str, shown.values())) for group, shown in keys.items()}
    return sorted(lines.series.items(), key=lambda row: (row[0][0], places[row[0][1]], row[0][2]))


def _total(lines: Lines, query: UsageQuery, describe: Any) -> list[dict[str, Any]]:
    return [describe(query, line, currency) for currency, line in sorted(lines.totals.items())]


def _show_bucket(start: datetime, end: datetime, through: datetime) -> dict[str, Any]:
    return {
        "bucket_start": clock.format_second(start),
        "bucket_end": clock.format_second(end),
        "partial": end > through,
    }


def _show_window(query: UsageQuery) -> dict[str, str]:
    window = query.window
    return {"from": clock.format_second(window.start), "to": clock.format_second(window.end), "tz": query.zone.key}


def _describe_usage(query: UsageQuery, line: Line, currency: str) -> dict[str, Any]:
    counts = dict(zip(COUNTERS, line.counts, strict=True))
    cost, adjustment = counts.pop("cost_pico"), counts.pop("adjustment_pico")
    row: dict[str, Any] = {**counts, "total_tokens": counts["input_tokens"] + counts["output_tokens"]}
    if query.money:
        row |= {"cost": format_pico(cost), "adjustment": format_pico(adjustment), "currency": currency}
    return {**row, **_describe_latency(query, line)}


def _describe_reliability(query: UsageQuery, line: Line, _: str) -> dict[str, Any]:
    outcomes = dict(zip(OUTCOMES, line.counts, strict=False))
    return {
        **outcomes,
        "error_rate": _rate(outcomes["errors"] + outcomes["timeouts"], outcomes["requests"]),
        "throttle_rate": _rate(outcomes["throttled"], outcomes["requests"]),
        **_describe_latency(query, line),
        "relative_error": RELATIVE_ERROR,
    }


def _describe_latency(query: UsageQuery, line: Line) -> dict[str, Any]:
    if not query.percentiles:
        return {}
    return {
        name: show_percentiles(tally, query.percentiles)
        for name, tally in (("latency_ms", line.latency), ("ttft_ms", line.ttft))
    }


def show_percentiles(tally: sketch.Tally, percents: tuple[int, ...]) -> dict[str, Any]:
    """Count and percentiles as an answer shows them: milliseconds with two decimals, within 1.01 % of exact."""
    count, values = tally.percentiles(percents)
    shown = {f"p{percent}": None if value is None else round(value, 2) for percent, value in values.items()}
    return {"count": count, **shown}


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _hash(answer: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(answer)).hexdigest()[:16]

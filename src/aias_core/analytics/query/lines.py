"""The lines of an answer: read in one snapshot, folded to the largest groups, filled where nothing happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import add
from typing import Any

from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import UsageQuery
from aias_core.analytics.query.selection import OTHERS
from aias_core.analytics.sketch import Tally
from aias_core.analytics.stores.protocol import LINES_LIMIT, AnswerStore, Reading

COUNTERS = (
    *("requests", "successes", "errors", "timeouts", "throttled", "cancelled", "rejected"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cost_pico", "adjustment_pico"),
)
REQUESTS, COST = COUNTERS.index("requests"), COUNTERS.index("cost_pico")
Group = tuple[Any, ...]


@dataclass(slots=True)
class Line:
    """The counters of one bucket and group in one currency, and its histograms where percentiles are wanted."""

    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTERS))
    latency: Tally = field(default_factory=Tally)
    ttft: Tally = field(default_factory=Tally)

    def add(self, other: Line) -> None:
        self.counts = list(map(add, self.counts, other.counts))
        self.latency.merge(other.latency)
        self.ttft.merge(other.ttft)


@dataclass(slots=True)
class Lines:
    """Lines by (bucket, group, currency), and the totals of all of them by currency; currency is '' without money."""

    series: dict[tuple[datetime, Group, str], Line] = field(default_factory=dict)
    totals: dict[str, Line] = field(default_factory=dict)


def read_lines(store: AnswerStore, reading: Reading) -> Lines:
    """All lines of a question. Raises InvalidQuery, `too_many_rows`, beyond 100,000."""
    query, lines = reading.query, Lines()
    _add_counters(query, store.read_counters(reading), lines)
    _check_size(len(lines.series))
    if query.percentiles:
        _add_histograms(query, store.read_histograms(reading), lines)
    return lines


def fold(lines: Lines, query: UsageQuery) -> None:
    """Keeps the `top` groups by cost (by requests where money does not show) and adds the others up as one."""
    if query.top is None or not query.group_by:
        return
    sizes: dict[Group, tuple[int, int]] = {}
    for (_, group, _), line in lines.series.items():
        cost, requests = sizes.get(group, (0, 0))
        spent = line.counts[COST] if query.money else 0
        sizes[group] = cost + spent, requests + line.counts[REQUESTS]
    largest = sorted(sizes, key=lambda group: (*(-size for size in sizes[group]), repr(group)))
    kept, others = set(islice(largest, query.top)), (OTHERS,) * len(query.group_by)
    folded: dict[tuple[datetime, Group, str], Line] = {}
    for (bucket, group, currency), line in lines.series.items():
        key = (bucket, group if group in kept else others, currency)
        folded.setdefault(key, Line()).add(line)
    lines.series = folded


def fill(lines: Lines, query: UsageQuery, currency: str) -> None:
    """Adds a line of zeros for every bucket in which a group, or with none everything, was quiet."""
    if not lines.totals:
        lines.totals[currency] = Line()
    if not query.fill:
        return
    pairs = {(group, code) for _, group, code in lines.series}
    if not pairs and not query.group_by:
        pairs = {((), currency)}
    _check_size(len(pairs) * (len(query.edges) - 1))
    for group, code in pairs:
        for bucket in query.edges[:-1]:
            lines.series.setdefault((bucket, group, code), Line())


def _check_size(count: int) -> None:
    if count > LINES_LIMIT:
        raise InvalidQuery(
            "too_many_rows",
            "group_by",
            f"The series has more than {LINES_LIMIT:,} rows",
            hint="shorten the window, filter, or write a file with: aias analytics export",
        )


def _add_counters(query: UsageQuery, rows: Iterable[Sequence[Any]], lines: Lines) -> None:
    for is_total, bucket, *rest in rows:
        group, currency, counts = _split(query, rest)
        line = Line([int(count or 0) for count in counts])
        if is_total:
            lines.totals[currency] = line
        else:
            lines.series[bucket, group, currency] = line


def _add_histograms(query: UsageQuery, rows: Iterable[Sequence[Any]], lines: Lines) -> None:
    for bucket, *rest in rows:
        group, currency, (latency_idx, latency_n, ttft_idx, ttft_n) = _split(query, rest)
        line = lines.series[bucket, group, currency]
        line.latency.add(latency_idx, latency_n)
        line.ttft.add(ttft_idx, ttft_n)
    for (_, _, currency), line in lines.series.items():
        total = lines.totals[currency]
        for part, sum_of in ((line.latency, total.latency), (line.ttft, total.ttft)):
            part.settle()
            sum_of.merge(part)


def _split(query: UsageQuery, rest: Sequence[Any]) -> tuple[Group, str, Sequence[Any]]:
    size = len(query.group_by)
    if query.money:
        return tuple(rest[:size]), str(rest[size]), rest[size + 1 :]
    return tuple(rest[:size]), "", rest[size:]

"""The lines of an answer: read in one snapshot, folded to the largest groups, filled where nothing happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import add
from typing import TYPE_CHECKING, Any

from psycopg import sql

from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import UsageQuery
from aias_core.analytics.query.selection import COLUMNS, OTHERS, Selection
from aias_core.analytics.query.sources import Relation, Source
from aias_core.analytics.sketch import Tally
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

COUNTERS = (
    *("requests", "successes", "errors", "timeouts", "throttled", "cancelled", "rejected"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cost_pico", "adjustment_pico"),
)
LINES_LIMIT = 100_000
REQUESTS, COST = COUNTERS.index("requests"), COUNTERS.index("cost_pico")
Group = tuple[Any, ...]

_queries = load_queries(__file__)


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


def read_lines(connection: Connection, query: UsageQuery, source: Source, selection: Selection) -> Lines:
    """All lines of a question. Raises InvalidQuery, `too_many_rows`, beyond 100,000."""
    rows, columns, lines = _build_rows(source, selection), _build_columns(query), Lines()
    values = {**selection.values, "edges": list(query.edges), "start": query.window.start, "end": query.window.end}
    _read_counters(connection, query, _build_counters(rows, columns, query), values, lines)
    _check_size(len(lines.series))
    if query.percentiles:
        statement = _build_histograms(rows, columns, is_facts=source.relation is Relation.FACTS)
        _read_histograms(connection, query, statement, values, lines)
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


def _build_rows(source: Source, selection: Selection) -> sql.Composable:
    is_facts = source.relation is Relation.FACTS
    at = sql.Identifier("occurred_at" if is_facts else "bucket_start")
    return sql.SQL(_queries["source_facts" if is_facts else "source_rollups"]).format(
        bucket=at if source.is_native else sql.SQL(_queries["bucket_of"]).format(at),
        relation=sql.Identifier(source.relation.value),
        filters=selection.condition,
    )


def _build_columns(query: UsageQuery) -> list[sql.Composable]:
    names = ["bucket", *(COLUMNS[dimension] for dimension in query.group_by), *(["currency"] if query.money else [])]
    return [sql.Identifier(name) for name in names]


def _build_counters(rows: sql.Composable, columns: list[sql.Composable], query: UsageQuery) -> sql.Composed:
    return sql.SQL(_queries["select_counters"]).format(
        columns=_join(columns),
        total_columns=_join(columns[-1:] if query.money else []),
        source=rows,
        limit=sql.Literal(LINES_LIMIT + 2),
    )


def _build_histograms(rows: sql.Composable, columns: list[sql.Composable], *, is_facts: bool) -> sql.Composed:
    if is_facts:
        rows = sql.SQL(_queries["count_fact_buckets"]).format(source=rows)
    return sql.SQL(_queries["select_histograms"]).format(columns=_join(columns), source=rows)


def _read_counters(
    connection: Connection, query: UsageQuery, statement: sql.Composed, values: dict[str, Any], lines: Lines
) -> None:
    for is_total, bucket, *rest in connection.execute(statement, values):
        group, currency, counts = _split(query, rest)
        line = Line([int(count or 0) for count in counts])
        if is_total:
            lines.totals[currency] = line
        else:
            lines.series[bucket, group, currency] = line


def _read_histograms(
    connection: Connection, query: UsageQuery, statement: sql.Composed, values: dict[str, Any], lines: Lines
) -> None:
    for bucket, *rest in connection.cursor(binary=True).execute(statement, values):
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


def _join(parts: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)

"""Answers from ClickHouse. Which organizations are read is the condition of the selection; there is no second wall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, LiteralString

from aias_core.analytics.query.selection import COLUMNS
from aias_core.analytics.query.sources import Relation
from aias_core.analytics.stores.clickhouse.server import ClickHouse, from_microseconds, to_microseconds
from aias_core.analytics.stores.protocol import LINES_LIMIT, Reading
from aias_core.database.queries import load_queries

_queries = load_queries(__file__)


class ClickHouseAnswers:
    """The rows of answers, as AnswerStore says."""

    def __init__(self, server: ClickHouse) -> None:
        self._server = server

    def read_counters(self, reading: Reading) -> Iterable[Sequence[Any]]:
        columns = _name_columns(reading)
        statement = _queries["select_counters"].format(
            columns=", ".join(columns),
            total_columns="currency" if reading.query.money else "",
            source=_write_source(reading),
        )
        for is_total, bucket, *rest in self._server.read(statement, _bind(reading)):
            yield is_total, from_microseconds(bucket), *rest

    def read_histograms(self, reading: Reading) -> Iterator[Sequence[Any]]:
        is_facts = reading.source.relation is Relation.FACTS
        statement = _queries["select_fact_histograms" if is_facts else "select_histograms"].format(
            columns=", ".join(_name_columns(reading)), source=_write_source(reading)
        )
        for bucket, *rest in self._server.read(statement, _bind(reading)):
            yield from_microseconds(bucket), *rest


def _name_columns(reading: Reading) -> list[LiteralString]:
    groups: list[LiteralString] = [COLUMNS[dimension] for dimension in reading.query.group_by]
    return ["bucket", *groups, *(["currency"] if reading.query.money else [])]


def _write_source(reading: Reading) -> LiteralString:
    name = "source_facts" if reading.source.relation is Relation.FACTS else "source_rollups"
    filters = [_queries[f"where_{condition.name}"] for condition in reading.selection.conditions]
    return _queries[name].format(filters=" AND ".join(filters) or "true")


def _bind(reading: Reading) -> dict[str, Any]:
    query, relation = reading.query, reading.source.relation
    nulls = {f"{condition.name}_or_null": condition.or_null for condition in reading.selection.conditions}
    return {
        **reading.selection.values,
        **nulls,
        "edges": [to_microseconds(edge) for edge in query.edges],
        "from": to_microseconds(query.window.start),
        "to": to_microseconds(query.window.end),
        "relation": relation.value,
        "grain": "day" if relation in (Relation.DAYS, Relation.DAY_KEYS) else "hour",
        "limit": LINES_LIMIT + 2,
    }

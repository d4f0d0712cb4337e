"""Answers from PostgreSQL, on the connection whose transaction holds the snapshot and the tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from aias_core.analytics.query.parameters import UsageQuery
from aias_core.analytics.query.selection import COLUMNS
from aias_core.analytics.query.sources import Relation
from aias_core.analytics.stores.protocol import LINES_LIMIT, Reading
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


class PostgresAnswers:
    """The rows of answers, as AnswerStore says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_counters(self, reading: Reading) -> Iterable[Sequence[Any]]:
        return self._connection.execute(_build_counters(reading), _bind(reading)).fetchall()

    def read_histograms(self, reading: Reading) -> Iterable[Sequence[Any]]:
        return self._connection.cursor(binary=True).execute(_build_histograms(reading), _bind(reading)).fetchall()


def _bind(reading: Reading) -> dict[str, Any]:
    query = reading.query
    bounds = {"start": query.window.start, "end": query.window.end}
    return {**reading.selection.values, "edges": list(query.edges), **bounds}


def _build_rows(reading: Reading) -> sql.Composable:
    source = reading.source
    is_facts = source.relation is Relation.FACTS
    at = sql.Identifier("occurred_at" if is_facts else "bucket_start")
    return sql.SQL(_queries["source_facts" if is_facts else "source_rollups"]).format(
        bucket=at if source.is_native else sql.SQL(_queries["bucket_of"]).format(at),
        relation=sql.Identifier(source.relation.value),
        filters=reading.selection.condition,
    )


def _build_columns(query: UsageQuery) -> list[sql.Composable]:
    names = ["bucket", *(COLUMNS[dimension] for dimension in query.group_by), *(["currency"] if query.money else [])]
    return [sql.Identifier(name) for name in names]


def _build_counters(reading: Reading) -> sql.Composed:
    columns = _build_columns(reading.query)
    currency = columns[-1:] if reading.query.money else []
    return sql.SQL(_queries["select_counters"]).format(
        columns=_join(columns),
        totals=_join([sql.NULL] * (len(columns) - len(currency)) + currency),
        currency=_join(currency or [sql.SQL("()")]),
        source=_build_rows(reading),
        limit=sql.Literal(LINES_LIMIT + 2),
    )


def _build_histograms(reading: Reading) -> sql.Composed:
    rows = _build_rows(reading)
    if reading.source.relation is Relation.FACTS:
        rows = sql.SQL(_queries["count_fact_buckets"]).format(source=rows)
    return sql.SQL(_queries["select_histograms"]).format(columns=_join(_build_columns(reading.query)), source=rows)


def _join(parts: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)

"""Both stores hold the same rows, to the last digit, and those of a brute-force model."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aias_core import clock, ids
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import Question, build_query
from aias_core.analytics.query.scope import Scope
from aias_core.analytics.query.usage import read_reliability, read_usage
from aias_core.analytics.rollup.run import enqueue_window, list_window_buckets, run_rollup
from aias_core.analytics.stores.clickhouse.answers.read import ClickHouseAnswers
from aias_core.analytics.stores.clickhouse.facts import copy_facts
from aias_core.analytics.stores.clickhouse.rollups import ClickHouseRollups
from aias_core.analytics.stores.clickhouse.server import ClickHouse, connect, in_process
from aias_core.analytics.stores.clickhouse.tables.create import create_tables
from aias_core.analytics.stores.columns import column_rollups
from aias_core.errors import AiasError, DependencyUnreachable, PrerequisiteMissing
from aias_core.secret import Secret
from aias_core.windows import Window
from support.events import ORG, make_event
from support.oracle import KEY_KEY, Oracle, day_of, hour_of, list_differences
from support.questions import questions
from support.stores import TABLES, clickhouse_rows, postgres_rows, store_histories, store_large_amounts
from support.usage import HOLDER, random_usage, store_usage

HISTORIES = 40
NOW = clock.now().replace(microsecond=0)
WHOLE = Window(day_of(NOW) - timedelta(days=60), day_of(NOW) + timedelta(days=2))


@pytest.fixture
def server() -> Iterator[ClickHouse]:
    with in_process() as opened:
        create_tables(opened)
        yield opened


@pytest.fixture
def filled(store: psycopg.Connection[Any], server: ClickHouse) -> tuple[psycopg.Connection[Any], ClickHouse]:
    """Events of the last month, some equally long, in both stores and in the rollups of both."""
    equal = [make_event(at=NOW - timedelta(hours=n), duration_ms=100) for n in range(1, 100)]
    store_usage(store, [*random_usage(random.Random(7), clock.now(), 29, 300), *equal])
    copy_facts(store, server, hours_of(store))
    enqueue_window(store, WHOLE)
    run_rollup(store, store=ClickHouseRollups(server))
    return store, server


@pytest.fixture
def oracle(store: psycopg.Connection[Any]) -> Oracle:
    known = store_histories(store, range(HISTORIES), NOW)
    store_large_amounts(store, known, NOW)
    return known


def hours_of(store: psycopg.Connection[Any]) -> dict[datetime, list[UUID]]:
    hours: defaultdict[datetime, list[UUID]] = defaultdict(list)
    for row in list_window_buckets(store, WHOLE, grains=("hour",)):
        hours[row["bucket_start"]].append(row["org_id"])
    return hours


def expect(oracle: Oracle, table: str) -> Any:
    cut = hour_of if "hour" in table else day_of
    return oracle.keys(cut) if TABLES[table] is KEY_KEY else oracle.lines(cut)


def test_both_stores_hold_the_rows_of_the_model(
    store: psycopg.Connection[Any], server: ClickHouse, oracle: Oracle
) -> None:
    hours = hours_of(store)
    copy_facts(store, server, hours, token="once")
    copy_facts(store, server, dict(reversed(hours.items())), token="once")  # as after a confirmation that was lost
    run_rollup(store)
    enqueue_window(store, WHOLE)
    second = run_rollup(store, store=ClickHouseRollups(server))
    assert second.source_rows == len(oracle.facts)
    for table in TABLES:
        expected = expect(oracle, table)
        assert len(expected) > HISTORIES
        assert list_differences(expected, postgres_rows(store, table)) == [], table
        assert list_differences(expected, clickhouse_rows(server, table)) == [], table


def test_the_column_path_writes_the_rows_of_the_model(store: psycopg.Connection[Any], oracle: Oracle) -> None:
    run_rollup(store)
    enqueue_window(store, WHOLE)
    with column_rollups(store) as columns:
        again = run_rollup(store, store=columns)
    enqueue_window(store, WHOLE)
    by_rows = run_rollup(store)
    counted = ("hours", "days", "source_rows", "written", "removed")
    assert [getattr(again, name) for name in counted] == [getattr(by_rows, name) for name in counted]
    enqueue_window(store, WHOLE)
    with column_rollups(store) as columns:
        run_rollup(store, store=columns)
    for table in TABLES:
        assert list_differences(expect(oracle, table), postgres_rows(store, table)) == [], table


SCOPES = {"organization": Scope.of(ORG), "holder": Scope.of(ORG, HOLDER), "platform": Scope(None)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions(), st.sampled_from(sorted(SCOPES)), st.booleans())
def test_both_stores_give_the_same_answers(
    filled: tuple[psycopg.Connection[Any], ClickHouse], question: Question, scope: str, money: bool
) -> None:
    store, server = filled
    try:
        query = build_query(question, money=money)
        expected = read_usage(store, SCOPES[scope], query)
    except InvalidQuery as refused:
        if refused.item not in ("zone_not_aligned", "window_too_long"):
            raise
        return
    assert read_usage(store, SCOPES[scope], query, ClickHouseAnswers(server)) == expected


def test_both_stores_split_by_organization_alike(filled: tuple[psycopg.Connection[Any], ClickHouse]) -> None:
    store, server = filled
    for grain in ("hour", "day", "month"):
        asked = Question(period="7d", granularity=grain, group_by=("org", "model"), percentiles=(50, 99), align=True)
        expected = read_reliability(store, Scope(None), build_query(asked))
        assert len({row["keys"]["org"] for row in expected["series"]}) == 2
        assert read_reliability(store, Scope(None), build_query(asked), ClickHouseAnswers(server)) == expected


class Dying(ClickHouse):
    """Another connection of the same database, that is lost after so many statements."""

    def __init__(self, server: ClickHouse, statements: int) -> None:
        super().__init__(server._client)
        self.left = statements

    def execute(self, statement: LiteralString, values: Mapping[str, Any] | None = None) -> None:
        self.left -= 1
        if self.left < 0:
            raise DependencyUnreachable
        super().execute(statement, values)


def test_a_recomputation_that_dies_leaves_a_bucket_as_it_was_or_as_it_is_to_be(
    filled: tuple[psycopg.Connection[Any], ClickHouse],
) -> None:
    store, server = filled
    hours, old = hours_of(store), clickhouse_rows(server, "usage_hours")
    server.execute("INSERT INTO usage_facts SELECT * FROM usage_facts")
    seen, deaths = [], iter(range(100))
    while not replaces(ClickHouseRollups(Dying(server, next(deaths))), hours):
        seen.append(clickhouse_rows(server, "usage_hours"))
    new = clickhouse_rows(server, "usage_hours")
    assert sum(row["requests"] for row in new.values()) == 2 * sum(row["requests"] for row in old.values())
    assert len(seen) == 5
    assert all(rows in (old, new) for rows in seen)


AHEAD = """
INSERT INTO bucket_attempts SELECT grain, bucket_start, org_id, toUInt128(pow(2, 127)) FROM bucket_attempts
"""


def test_an_attempt_of_a_time_to_come_is_superseded_all_the_same(
    filled: tuple[psycopg.Connection[Any], ClickHouse],
) -> None:
    store, server = filled
    server.execute(AHEAD)
    for table in ("usage_hours", "usage_hour_keys"):
        assert clickhouse_rows(server, table) == {}
    rollups, hours = ClickHouseRollups(server), hours_of(store)
    for _ in range(2):
        rollups.replace("hour", hours, ids.new_id())
        for table in ("usage_hours", "usage_hour_keys"):
            assert list_differences(postgres_rows(store, table), clickhouse_rows(server, table)) == [], table


def replaces(rollups: ClickHouseRollups, hours: dict[datetime, list[UUID]]) -> bool:
    try:
        rollups.replace("hour", hours, ids.new_id())
    except DependencyUnreachable:
        return False
    return True


def test_buckets_without_facts_leave_no_rows(filled: tuple[psycopg.Connection[Any], ClickHouse]) -> None:
    store, server = filled
    server.execute("DELETE FROM usage_facts WHERE org_id = {org:UUID}", {"org": ORG})
    enqueue_window(store, WHOLE, ORG)
    run_rollup(store, store=ClickHouseRollups(server))
    for table in TABLES:
        expected = {key: row for key, row in postgres_rows(store, table).items() if key[1] != str(ORG)}
        assert expected
        assert list_differences(expected, clickhouse_rows(server, table)) == [], table


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    address = Secret("clickhouse://aias:hidden-word@127.0.0.1:1/aias")
    with pytest.raises(DependencyUnreachable) as refused, connect(address):
        pass
    assert "ClickHouse" in refused.value.message
    assert "hidden-word" not in str(refused.value)


@pytest.mark.parametrize("missing", ["clickhouse_connect", "chdb"])
def test_a_missing_package_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if "chdb" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(PrerequisiteMissing) as refused, in_process():
        pass
    assert "pip install 'aias[clickhouse,columnar]'" in str(refused.value.hint)


def test_a_refused_statement_is_ours(server: ClickHouse) -> None:
    with pytest.raises(AiasError, match=r"refused a statement: .*UNKNOWN_TABLE"):
        server.read("SELECT * FROM invented")

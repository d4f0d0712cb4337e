"""Both stores hold the same rows, to the last digit, and those of a brute-force model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.rollup.run import enqueue_window, list_window_buckets, run_rollup
from aias_core.analytics.stores.clickhouse.facts import STORED, copy_facts
from aias_core.analytics.stores.clickhouse.rollups import ClickHouseRollups, create_tables
from aias_core.analytics.stores.clickhouse.server import ClickHouse, in_process
from aias_core.analytics.stores.columns import column_rollups
from aias_core.windows import Window
from support.oracle import KEY_KEY, Oracle, day_of, hour_of, list_differences
from support.stores import TABLES, clickhouse_rows, postgres_rows, store_histories

HISTORIES = 60
NOW = clock.now().replace(microsecond=0)
WHOLE = Window(day_of(NOW) - timedelta(days=60), day_of(NOW) + timedelta(days=2))


@pytest.fixture
def server() -> Iterator[ClickHouse]:
    with in_process() as opened:
        create_tables(opened)
        yield opened


@pytest.fixture
def oracle(store: psycopg.Connection[Any]) -> Oracle:
    return store_histories(store, range(HISTORIES), NOW)


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
    copy_facts(store, server, STORED, hours_of(store), token="once")
    copy_facts(store, server, STORED, hours_of(store), token="once")  # as after a confirmation that was lost
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

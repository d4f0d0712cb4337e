"""Rebuilds by columns beside rebuilds by rows, in one run; each figure says what is in it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from aias_core import clock, ids, windows
from aias_core.analytics.ingest.store import ensure_partitions
from aias_core.analytics.rollup.run import enqueue_window, list_window_buckets, run_rollup
from aias_core.analytics.stores.clickhouse.facts import stage_facts
from aias_core.analytics.stores.clickhouse.rollups import show_hours
from aias_core.analytics.stores.clickhouse.server import ClickHouse, in_process
from aias_core.analytics.stores.clickhouse.tables.create import create_tables
from aias_core.analytics.stores.columns import ColumnRollups
from aias_core.analytics.stores.protocol import RollupStore
from aias_core.database.connection import connect
from aias_core.windows import Window
from support.facts import Scale, make_facts

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

RUNS = 3
STORED, COPIES = 300_000, 20
TARGET = 10_000_000
MULTIPLY = """
INSERT INTO staged_facts SELECT staged_facts.* FROM staged_facts CROSS JOIN numbers({copies:UInt64}) AS copies
"""


@pytest.fixture
def store(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.dsn(analytics, "aias_analytics"), autocommit=True) as connection:
        ensure_partitions(connection, clock.now())
        yield connection


@pytest.fixture
def server() -> Iterator[ClickHouse]:
    with in_process() as opened:
        create_tables(opened)
        yield opened


def test_a_rebuild_of_six_hours(figures: Figures, store: psycopg.Connection, server: ClickHouse) -> None:
    start = windows.day_of(clock.now() - timedelta(days=3))
    make_facts(store, Scale(events=STORED, orgs=25, keys=4, models=10, start=start, seconds=6 * 3600))
    window = Window(start, start + timedelta(days=1))
    rows = min(time_hours(store, window, None) for _ in range(RUNS))
    columns = min(time_hours(store, window, ColumnRollups(store, server)) for _ in range(RUNS))
    figures.add_ratio(
        "150 buckets by columns: COPY out, group, COPY back",
        f"{STORED / columns:,.0f} facts/s",
        f"by rows {STORED / rows:,.0f} facts/s",
        rows / columns,
    )
    hours = hours_of(store, window)
    out = time_staging(store, server, hours)
    figures.add_ratio(
        "of it COPY out of PostgreSQL into columns", f"{STORED / out:,.0f} facts/s", "whole path", columns / out
    )
    server.execute(MULTIPLY, {"copies": COPIES - 1})
    wall, cpu = min(time_grouping(server, hours) for _ in range(RUNS))
    count = STORED * COPIES
    figures.add_ratio(
        f"grouping alone of {count:,} facts in columns",
        f"{count / wall:,.0f} facts/s, {count / cpu:,.0f} a second of one core",
        f"{TARGET:,} facts/s",
        count / wall / TARGET,
    )


def hours_of(store: psycopg.Connection, window: Window) -> dict[datetime, list[UUID]]:
    hours: defaultdict[datetime, list[UUID]] = defaultdict(list)
    for row in list_window_buckets(store, window, grains=("hour",)):
        hours[row["bucket_start"]].append(row["org_id"])
    return hours


def time_hours(store: psycopg.Connection, window: Window, by: RollupStore | None) -> float:
    enqueue_window(store, window)
    started = time.perf_counter()
    run_rollup(store, grains=("hour",), store=by)
    return time.perf_counter() - started


def time_staging(store: psycopg.Connection, server: ClickHouse, hours: dict[datetime, list[UUID]]) -> float:
    started = time.perf_counter()
    assert stage_facts(store, server, hours) == STORED
    return time.perf_counter() - started


def time_grouping(server: ClickHouse, hours: dict[datetime, list[UUID]]) -> tuple[float, float]:
    """Wall seconds, and seconds of all cores in this process, which is where chDB works."""
    started, worked = time.perf_counter(), time.process_time()
    lines, keys = show_hours(server, hours, ids.new_id())
    assert lines
    assert keys
    return time.perf_counter() - started, time.process_time() - worked

"""Rollups beside a GROUP BY of the same facts, and what one late event costs, in one run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.analytics.rollup.run import enqueue_window, run_rollup
from aias_core.contracts import usage
from aias_core.database.connection import connect
from aias_core.windows import Window
from benchmarks.conftest import Spent, spend
from support.events import make_event
from support.facts import Scale, make_facts

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

RUNS = 5
PARALLEL = 2  # what PostgreSQL uses for a plain GROUP BY; a rollup writes and is worked out by one process
COUNTED = """count(*), count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'error'),
    count(*) FILTER (WHERE status = 'timeout'), count(*) FILTER (WHERE status = 'throttled'),
    count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'rejected'), sum(input_tokens),
    sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens), count(*) FILTER (WHERE billable),
    sum(input_tokens - cached_input_tokens) FILTER (WHERE billable), sum(cached_input_tokens) FILTER (WHERE billable),
    sum(output_tokens) FILTER (WHERE billable), sum(cost_pico), sum(duration_ms), min(duration_ms), max(duration_ms),
    sum(ttft_ms), min(ttft_ms), max(ttft_ms), max(received_at)"""
FEW = "count(*), sum(input_tokens), sum(output_tokens), sum(cost_pico)"
PLAIN = (
    ("four counters", FEW, PARALLEL),
    ("its 23 counters", COUNTED, PARALLEL),
    ("its 23 counters in one process", COUNTED, 0),
)


@pytest.fixture
def store(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.dsn(analytics, "aias_analytics"), autocommit=True) as connection:
        ensure_partitions(connection, clock.now())
        yield connection


def test_many_buckets(figures: Figures, store: psycopg.Connection) -> None:
    start = windows.day_of(clock.now() - timedelta(days=3))
    scale = Scale(events=300_000, orgs=25, keys=4, models=10, start=start, seconds=6 * 3600)
    make_facts(store, scale)
    window = Window(start, start + timedelta(days=1))
    rollup = least(time_hours(store, window) for _ in range(RUNS))
    for name, columns, workers in PLAIN:
        plain = least(time_group_by(store, columns, workers) for _ in range(RUNS))
        add_beside_plain(figures, name, scale.events, rollup.seconds, plain.seconds)
    add_beside_plain(figures, f"{name}, as work of PostgreSQL", scale.events, rollup.worked, plain.worked)


def least(spent: Iterable[Spent]) -> Spent:
    seconds, worked = zip(*spent, strict=True)
    return Spent(min(seconds), min(worked))


def add_beside_plain(figures: Figures, name: str, events: int, seconds: float, floor: float) -> None:
    measured, plain = f"{events / seconds:,.0f} facts/s", f"GROUP BY {events / floor:,.0f} facts/s"
    figures.add_ratio(f"rollup of 150 dirty buckets beside GROUP BY of {name}", measured, plain, floor / seconds)


def test_one_heavy_bucket_and_a_late_event(figures: Figures, store: psycopg.Connection) -> None:
    start = windows.hour_of(clock.now() - timedelta(days=3))
    make_facts(store, Scale(events=30_000, orgs=1, keys=5, models=40, start=start, seconds=3500))
    window = Window(start, start + timedelta(hours=1))
    heavy = least(time_hours(store, window) for _ in range(RUNS))
    figures.add_time("a dirty hour of 30,000 events", heavy.seconds, 0.05)
    figures.add_time("of it the work of PostgreSQL", heavy.worked, 0.05)
    run_rollup(store)
    [org_id] = store.execute("SELECT DISTINCT org_id FROM aias.usage_facts").fetchone() or [None]
    late = make_event(at=start + timedelta(minutes=5), org_id=org_id)
    ingest_lines(store, [usage.encode(late)], "bench")
    started = time.perf_counter()
    run_rollup(store)
    figures.add_time("hour and day right after a late event", time.perf_counter() - started, 1.0)


def time_hours(store: psycopg.Connection, window: Window) -> Spent:
    enqueue_window(store, window)
    return spend(store, lambda: run_rollup(store, grains=("hour",)))


def time_group_by(store: psycopg.Connection, columns: str, workers: int) -> Spent:
    query = f"""SELECT date_trunc('hour', occurred_at, 'UTC'), org_id, model_id, {columns}
        FROM aias.usage_facts GROUP BY 1, 2, 3"""
    settings = {"jit": "off", "work_mem": "64MB", "max_parallel_workers_per_gather": str(workers)}
    with store.transaction():
        for name, value in settings.items():
            store.execute("SELECT set_config(%s, %s, true)", [name, value])
        return spend(store, lambda: store.execute(query.encode()).fetchall())

"""Questions over a month of 250 organizations and 40 models, each asked 200 times with nothing kept."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.query.parameters import Question, build_query
from aias_core.analytics.query.scope import Scope
from aias_core.analytics.query.usage import read_reliability, read_usage
from aias_core.database.connection import connect

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

ORGS, MODELS, DAYS, RUNS = 250, 40, 30, 200
HOURLY_ORGS = 10  # the hours of all of them would be 7 million rows
TARGET = 0.1
SEED = """
INSERT INTO aias.{table} (bucket_start, org_id, model_id, operation, region, currency, price_id, requests, successes,
    errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
    reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens,
    cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id)
SELECT %(start)s + b * interval '1 {grain}', aias.first_uuid(to_timestamp(o)), aias.first_uuid(to_timestamp(m)),
    'chat', 'local', 'USD', aias.first_uuid(to_timestamp(m)), 1000, 990, 5, 2, 1, 1, 1, 100000, 1000, 200000, 0,
    990, 99000, 1000, 200000, 123456789012::numeric * (o + m), h.idx, h.n, h.idx, h.n, gen_random_uuid()
FROM generate_series(1, %(orgs)s) o, generate_series(1, %(models)s) m, generate_series(0, %(buckets)s - 1) b,
    LATERAL (SELECT array_agg((250 + m * 3 + i)::smallint ORDER BY i) AS idx,
        array_agg((1 + (i * (o + b)) %% 23)::bigint ORDER BY i) AS n FROM generate_series(0, %(width)s) i) h
"""


@pytest.fixture(scope="module")
def store(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """Daily rows with histograms of 100 buckets, and the hourly rows of ten organizations with 30."""
    database = postgres_server.clone("analytics")
    end = windows.day_of(clock.now()) + timedelta(days=1)
    with psycopg.connect(postgres_server.superuser(database).reveal(), autocommit=True) as seeder:
        seeder.execute("SELECT aias.ensure_month_partitions(%s, 4)", [end - timedelta(days=60)])
        common: dict[str, Any] = {"start": end - timedelta(days=DAYS), "models": MODELS}
        days = SEED.format(table="usage_days", grain="day")
        hours = SEED.format(table="usage_hours", grain="hour")
        seeder.execute(days.encode(), {**common, "orgs": ORGS, "buckets": DAYS, "width": 99})
        seeder.execute(hours.encode(), {**common, "orgs": HOURLY_ORGS, "buckets": DAYS * 24, "width": 29})
        seeder.execute("VACUUM ANALYZE")
    with connect(postgres_server.dsn(database, "aias_analytics"), autocommit=True) as connection:
        yield connection


def org_of(number: int) -> UUID:
    return UUID(int=number * 1000 << 80)


QUESTIONS: dict[str, tuple[Question, Any, int]] = {
    "usage, 30 days by day": (Question(period="30d"), read_usage, ORGS),
    "usage, 30 days by day and model": (Question(period="30d", group_by=("model",)), read_usage, ORGS),
    "reliability, 30 days by day": (Question(period="30d", percentiles=(50, 95, 99)), read_reliability, ORGS),
    "usage, 30 days in Berlin": (Question(period="30d", tz="Europe/Berlin"), read_usage, HOURLY_ORGS),
    "usage, 7 days by hour": (Question(period="7d", granularity="hour"), read_usage, HOURLY_ORGS),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question(figures: Figures, store: psycopg.Connection, name: str) -> None:
    question, read, orgs = QUESTIONS[name]
    query = build_query(question, money=read is read_usage)
    times = []
    for number in itertools.islice(itertools.cycle(range(1, orgs + 1)), RUNS):
        started = time.perf_counter()
        answer = read(store, Scope.of(org_of(number)), query)
        times.append(time.perf_counter() - started)
        assert answer["totals"][0]["requests"] > 0
    p95 = statistics.quantiles(times, n=20)[-1]
    figures.add_time(f"{name}: p95 of {RUNS}", p95, TARGET)

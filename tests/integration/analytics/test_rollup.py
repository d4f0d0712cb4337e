from __future__ import annotations

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics import sketch
from aias_core.analytics.dimensions import get_organization
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.analytics.rollup.run import count_dirty_buckets, enqueue_window, run_rollup
from aias_core.contracts import usage
from aias_core.contracts.usage import UsageEvent
from aias_core.database.connection import connect
from aias_core.errors import NotFound
from aias_core.windows import Window
from support.events import ORG, OTHER_ORG, make_event

if TYPE_CHECKING:
    from support.servers import PostgresServer

ENDS: list[dict[str, Any]] = [
    {},
    {"streamed": True},
    {"status": "error", "http_status": 502, "error_code": "backend_error", "billable": False, "output_tokens": 0},
    {
        "status": "rejected",
        "http_status": 404,
        "error_code": "model_not_found",
        "billable": False,
        "model_id": None,
        "price_id": None,
    },
    {"status": "cancelled", "http_status": 499, "billable": True},
]


def whole_window() -> Window:
    now = clock.now()
    return Window(windows.day_of(now - timedelta(days=40)), windows.day_of(now + timedelta(days=2)))


def random_history(generator: random.Random, size: int) -> list[UsageEvent]:
    return [
        make_event(
            at=clock.now() - timedelta(seconds=generator.randrange(20 * 86_400)),
            org_id=generator.choice([ORG, OTHER_ORG]),
            duration_ms=generator.randrange(100, 60_000),
            input_tokens=generator.randrange(500),
            cached_input_tokens=0,
            **{"output_tokens": generator.randrange(500), **generator.choice(ENDS)},
        )
        for _ in range(size)
    ]


def oracle(events: list[UsageEvent], cut: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    groups: dict[tuple[Any, ...], list[UsageEvent]] = defaultdict(list)
    for event in {(e.org_id, e.event_id): e for e in reversed(events)}.values():
        groups[cut(event.occurred_at), event.org_id, event.model_id, event.price_id].append(event)
    return {
        key: (
            len(group),
            sum(e.status == "success" for e in group),
            sum(e.input_tokens for e in group),
            sum(e.output_tokens for e in group),
            sum(e.cost_pico for e in group),
            tuple(sorted(sketch.bucket_of(e.duration_ms) for e in group if e.status == "success")),
        )
        for key, group in groups.items()
    }


def stored(store: psycopg.Connection, table: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    query = f"""SELECT bucket_start, org_id, model_id, price_id, requests, successes, input_tokens, output_tokens,
        cost_pico, latency_idx, latency_n FROM aias.{table}"""
    return {
        tuple(row[:4]): (
            *map(int, row[4:9]),
            tuple(i for i, n in zip(row[9], row[10], strict=True) for _ in range(n)),
        )
        for row in store.execute(query.encode())
    }


def ingest(store: psycopg.Connection, *events: UsageEvent) -> None:
    ingest_lines(store, [usage.encode(event) for event in events], "test")


def test_a_bucket_keeps_sum_and_extremes_of_its_latencies(store: psycopg.Connection) -> None:
    start = windows.day_of(clock.now() - timedelta(days=2))
    times = [(100, 40), (900, 30), (50_000, 200)]
    ends = [{"duration_ms": d, "ttft_ms": t} for d, t in times]
    failed = {**ENDS[2], "duration_ms": 90_000, "ttft_ms": None}
    ingest(store, *(make_event(at=start + timedelta(hours=n), **end) for n, end in enumerate([*ends, failed])))
    run_rollup(store)
    columns = "latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max"
    hours = store.execute(f"SELECT {columns} FROM aias.usage_hours ORDER BY bucket_start".encode()).fetchall()
    assert hours == [(d, d, d, t, t, t) for d, t in times] + [(None,) * 6]
    day = store.execute(f"SELECT {columns} FROM aias.usage_days".encode()).fetchall()
    assert day == [(51_000, 100, 50_000, 270, 30, 200)]
    newest = "SELECT max(source_max_received_at) FROM aias.usage_days"
    assert (
        store.execute(newest.encode()).fetchone()
        == store.execute("SELECT max(received_at) FROM aias.usage_facts").fetchone()
    )


def test_the_buckets_of_a_histogram_ascend_on_every_line(store: psycopg.Connection) -> None:
    generator, hour = random.Random(4), windows.hour_of(clock.now() - timedelta(days=2))
    models = [uuid4() for _ in range(40)]
    ingest(
        store,
        *(
            make_event(
                at=hour + timedelta(hours=number % 2, seconds=number),
                model_id=generator.choice(models),
                duration_ms=generator.randrange(100, 60_000),
                ttft_ms=generator.randrange(100),
            )
            for number in range(1000)
        ),
    )
    run_rollup(store)
    for table, lines in (("usage_hours", 80), ("usage_days", 40)):
        rows = store.execute(f"SELECT latency_idx, ttft_idx FROM aias.{table}".encode()).fetchall()
        assert len(rows) == lines
        assert all(idx == sorted(set(idx)) and len(idx) > 1 for row in rows for idx in row)


def test_a_rollup_with_nothing_to_do_changes_nothing(store: psycopg.Connection) -> None:
    ingest(store, make_event())
    first = run_rollup(store)
    assert (first.hours, first.days, first.source_rows, first.written) == (1, 1, 1, 4)
    second = run_rollup(store)
    assert (second.hours, second.days, second.written) == (0, 0, 0)


def test_a_late_event_costs_exactly_its_hour_and_day(store: psycopg.Connection) -> None:
    ingest(store, *(make_event(at=clock.now() - timedelta(days=d)) for d in range(5)))
    run_rollup(store)
    before = dict(store.execute("SELECT bucket_start, run_id FROM aias.usage_hours").fetchall())
    late = make_event(at=clock.now() - timedelta(days=3))
    ingest(store, late)
    run_rollup(store)
    after = dict(store.execute("SELECT bucket_start, run_id FROM aias.usage_hours").fetchall())
    assert {b for b in after if after[b] != before[b]} == {windows.hour_of(late.occurred_at)}


def test_several_workers_share_the_queue_without_double_work(
    store: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    events = random_history(random.Random(1), 300)
    ingest(store, *events)
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    def work(_: int) -> int:
        with connect(dsn, autocommit=True) as connection:
            return run_rollup(connection).hours

    hours = len({(windows.hour_of(e.occurred_at), e.org_id) for e in events})
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == hours
    run_rollup(store)
    assert count_dirty_buckets(store) == 0
    assert stored(store, "usage_days") == oracle(events, windows.day_of)


def test_an_organization_is_found_by_slug_and_by_id_in_any_case(store: psycopg.Connection) -> None:
    assert get_organization(store, "acme") == get_organization(store, str(ORG).upper()) == (ORG, "acme")
    with pytest.raises(NotFound, match="no organization 'nobody'") as caught:
        get_organization(store, "nobody")
    assert caught.value.hint == "see which there are with: aias org list"


@pytest.mark.parametrize("again", ["a late event", "the days of a window"])
def test_a_day_whose_hours_have_expired_is_computed_from_its_facts(
    store: psycopg.Connection, postgres_server: PostgresServer, again: str
) -> None:
    start = windows.day_of(clock.now() - timedelta(days=200))
    ensure_partitions(store, clock.now(), start)
    oldest = timedelta(days=400)
    for hour in (3, 7):
        ingest_lines(store, [usage.encode(make_event(at=start + timedelta(hours=hour)))], "test", oldest)
    run_rollup(store)
    for table in ("usage_hours", "usage_hour_keys"):
        postgres_server.execute(f"DELETE FROM aias.{table}", store.info.dbname)
    expected = 2
    if again == "a late event":
        ingest_lines(store, [usage.encode(make_event(at=start + timedelta(hours=9)))], "test", oldest)
        expected = 3
    else:
        enqueue_window(store, Window(start, start + timedelta(days=1)), grains=("day",))
    run_rollup(store)
    assert store.execute("SELECT sum(requests) FROM aias.usage_days").fetchone() == (expected,)
    assert store.execute("SELECT sum(requests) FROM aias.usage_day_keys").fetchone() == (expected,)


def test_what_is_queued_during_a_pass_is_for_the_next(store: psycopg.Connection) -> None:
    ingest(store, make_event())
    store.execute(
        "INSERT INTO aias.dirty_hours (bucket_start, org_id, cause, enqueued_at) SELECT"
        " date_bin('1 hour', now(), 'epoch') - interval '5 hours', %s, gen_random_uuid(), now() + interval '1 hour'",
        [ORG],
    )
    assert run_rollup(store).hours == 1
    assert count_dirty_buckets(store) == 1


def test_late_events_gather_while_the_loop_is_patient(store: psycopg.Connection) -> None:
    ingest(store, make_event(at=clock.now() - timedelta(days=2)), make_event())
    patient = timedelta(minutes=15)
    assert run_rollup(store, trigger="loop", patience=patient).hours == 1
    store.execute("DELETE FROM aias.dirty_days")
    assert count_dirty_buckets(store) == 1
    assert run_rollup(store).hours == 1

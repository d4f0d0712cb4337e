from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import nats
import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.consumer import PipelineState, run_ingest
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.analytics.sources.consumer import run_sources
from aias_core.analytics.sources.registry import describe_sources, find_gaps, list_sources, retire_source
from aias_core.analytics.sources.store import ALLOWANCE, settle, store_messages
from aias_core.analytics.sources.watermarks import (
    publish_rollup_watermarks,
    read_ingest_watermarks,
    read_watermarks,
)
from aias_core.contracts import sources, usage
from aias_core.contracts.sources import ControlTotals, Heartbeat, HourTotal
from aias_core.contracts.transport import (
    CONTROL_SUBJECT,
    HEARTBEAT_SUBJECT,
    USAGE_EVENTS_SUBJECT,
    USAGE_STREAM,
    ensure_usage_stream,
)
from aias_core.database.connection import Pool
from aias_core.errors import Conflict, InvalidInput, NotFound
from aias_core.secret import Secret
from aias_core.windows import Window
from support.events import ORG, OTHER_ORG, make_event

if TYPE_CHECKING:
    from support.servers import PostgresServer

NOW = clock.now()
HOUR = windows.hour_of(NOW) - timedelta(hours=2)


def beat(source: str = "router-1", ago: float = 0, **changes: Any) -> Heartbeat:
    fields = {"highest_seq": 5, "published_seq": 5, **changes}
    return Heartbeat(source=source, at=clock.now() - timedelta(seconds=ago), **fields)


def total(requests: int, **changes: Any) -> ControlTotals:
    numbers = {"requests": requests, "input_tokens": 10 * requests, "output_tokens": 0, "cost_pico": 0}
    hour = HourTotal(**{"org_id": ORG, "hour": HOUR, **numbers, **changes})
    return ControlTotals(source="router-1", at=NOW, totals=[hour])


def reach(store: psycopg.Connection, *beats: Heartbeat, drained_at: datetime | None = None) -> None:
    store_messages(store, beats)
    settle(store, beats, drained_at, clock.now())


def stored_total(store: psycopg.Connection) -> Any:
    return store.execute("SELECT requests, sealed FROM aias.source_totals").fetchone()


def test_the_watermarks_are_those_of_the_source_that_holds_back_most(store: psycopg.Connection) -> None:
    quick, slow = beat("router-1"), beat("router-2", oldest_unpublished_at=NOW - timedelta(minutes=2))
    long = beat("router-3", oldest_in_flight_at=NOW - timedelta(minutes=9))
    reach(store, quick, slow, long)
    marks = read_ingest_watermarks(store)
    assert marks is not None
    assert marks.settled_through == NOW - timedelta(minutes=2) - ALLOWANCE
    assert marks.complete_through == NOW - timedelta(minutes=9) - ALLOWANCE


def test_a_source_that_was_heard_but_not_reached_holds_everything(store: psycopg.Connection) -> None:
    store_messages(store, [beat("router-1")])
    reach(store, beat("router-2"))
    assert read_ingest_watermarks(store) is None


def test_watermarks_never_go_back(store: psycopg.Connection) -> None:
    reach(store, beat(ago=1))
    before = read_ingest_watermarks(store)
    reach(store, beat(oldest_in_flight_at=NOW - timedelta(hours=1), oldest_unpublished_at=NOW - timedelta(hours=1)))
    after = read_ingest_watermarks(store)
    assert before is not None
    assert after is not None
    assert (after.settled_through, after.complete_through) == (before.settled_through, before.complete_through)


def test_a_silent_source_holds_until_it_returns_or_is_retired(store: psycopg.Connection) -> None:
    silent, alive = beat("router-1", ago=120), beat("router-2")
    reach(store, silent, alive)
    marks = read_ingest_watermarks(store)
    assert marks is not None
    assert marks.settled_through == silent.at - ALLOWANCE
    assert [(s["source"], s["state"]) for s in list_sources(store)] == [("router-1", "silent"), ("router-2", "active")]
    retire_source(store, "router-1", "its machine is gone", "ada@laptop")
    reach(store, alive)
    marks = read_ingest_watermarks(store)
    assert marks is not None
    assert marks.settled_through == alive.at - ALLOWANCE
    store_messages(store, [beat("router-1")])
    assert list_sources(store)[0]["state"] == "active"


def test_a_source_that_said_goodbye_holds_nothing(store: psycopg.Connection) -> None:
    gone, alive = beat("router-1", ago=600, closing=True), beat("router-2")
    reach(store, gone, alive)
    marks = read_ingest_watermarks(store)
    assert marks is not None
    assert marks.settled_through == alive.at - ALLOWANCE
    drained_at = clock.now()
    reach(store, beat("router-2", closing=True), drained_at=drained_at)
    marks = read_ingest_watermarks(store)
    assert marks is not None
    assert marks.complete_through == drained_at - ALLOWANCE


@pytest.mark.parametrize(
    ("name", "reason", "error"),
    [
        ("router-1", "why", Conflict),
        ("router-2", "why", Conflict),
        ("nobody", "why", NotFound),
        ("x", " ", InvalidInput),
    ],
    ids=["active", "closed", "unknown", "no-reason"],
)
def test_only_a_silent_source_is_retired_and_for_a_reason(
    store: psycopg.Connection, name: str, reason: str, error: type[Exception]
) -> None:
    reach(store, beat("router-1"), beat("router-2", closing=True))
    with pytest.raises(error):
        retire_source(store, name, reason, "ada@laptop")


def test_a_heartbeat_that_comes_late_changes_nothing(store: psycopg.Connection) -> None:
    store_messages(store, [beat(highest_seq=9, published_seq=9), beat(ago=30)])
    assert list_sources(store)[0]["highest_seq"] == 9


def test_totals_grow_and_copies_that_come_late_change_nothing(store: psycopg.Connection) -> None:
    store_messages(store, [total(3), total(5, sealed=True), total(3), total(5)])
    assert stored_total(store) == (5, True)
    store_messages(store, [total(6)])
    assert stored_total(store) == (6, False)


def test_totals_of_an_erased_organization_do_not_come_back(store: psycopg.Connection) -> None:
    store.execute("INSERT INTO aias.erased_subjects VALUES ('organization', %s, now())", [ORG])
    store_messages(store, [total(3)])
    assert stored_total(store) is None


def ingest(store: psycopg.Connection, *numbers: int, at: datetime = NOW, source: str = "router-1") -> None:
    lines = [usage.encode(make_event(at=at, source=source, source_seq=number)) for number in numbers]
    assert ingest_lines(store, lines, "test").accepted == len(numbers)


def test_gaps_are_the_numbers_that_no_fact_has(store: psycopg.Connection) -> None:
    store_messages(store, [beat(), beat("router-2")])
    ingest(store, 1, 2, 3, 7, 8)
    ingest(store, 5, at=NOW - timedelta(days=3))
    ingest(store, 1, 9, source="somebody-without-heartbeats")
    window = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    [gap] = find_gaps(store, window)
    assert (gap.source, gap.first_seq, gap.last_seq, gap.missing) == ("router-1", 4, 6, 2)
    assert [(s["source"], s["gaps"]) for s in describe_sources(store)] == [("router-1", 2), ("router-2", 0)]
    ingest(store, 4, 6)
    assert find_gaps(store, window) == []


def test_a_rollup_publishes_what_ingest_had_reached_before_it(store: psycopg.Connection) -> None:
    reach(store, beat(ago=20))
    marks = read_ingest_watermarks(store)
    assert marks is not None
    ingest(store, 1)
    run_rollup(store)
    reach(store, beat())
    publish_rollup_watermarks(store, marks)
    published = read_watermarks(store)
    assert published["rollup_hour"].settled_through == published["rollup_day"].settled_through == marks.settled_through
    publish_rollup_watermarks(store, None)
    assert read_watermarks(store)["rollup_day"].settled_through == marks.settled_through


def test_a_bucket_that_waits_since_before_holds_the_rollups_watermarks(
    store: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    reach(store, beat(ago=20))
    ingest(store, 1)
    marks = read_ingest_watermarks(store)
    publish_rollup_watermarks(store, marks)
    assert set(read_watermarks(store)) == {"ingest"}
    run_rollup(store)
    ingest(store, 2)
    publish_rollup_watermarks(store, marks)
    assert set(read_watermarks(store)) == {"ingest", "rollup_hour", "rollup_day"}


def test_a_late_correction_of_a_closed_hour_holds_nothing(store: psycopg.Connection) -> None:
    reach(store, beat(ago=20))
    publish_rollup_watermarks(store, read_ingest_watermarks(store))
    ingest(store, 1, at=NOW - timedelta(days=2))
    reach(store, beat())
    marks = read_ingest_watermarks(store)
    publish_rollup_watermarks(store, marks)
    assert marks is not None
    assert read_watermarks(store)["rollup_hour"].settled_through == marks.settled_through


@pytest.fixture
def pool(store: psycopg.Connection, postgres_server: PostgresServer) -> Any:
    made = Pool(postgres_server.dsn(store.info.dbname, "aias_analytics"), "analytics", "test")
    yield made
    made.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def test_a_heartbeat_counts_once_everything_before_it_in_the_stream_is_stored(
    store: psycopg.Connection, pool: Pool, nats_url: Secret
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    async def run() -> None:
        client, stop = await nats.connect(nats_url.reveal()), asyncio.Event()
        js = client.jetstream()
        await ensure_usage_stream(js)
        await js.purge_stream(USAGE_STREAM)
        for number in range(5):
            await js.publish(USAGE_EVENTS_SUBJECT, usage.encode(make_event(source="router-1", source_seq=number + 1)))
        await js.publish(HEARTBEAT_SUBJECT, b"{}")
        await js.publish(CONTROL_SUBJECT, sources.encode(total(5, sealed=True)))
        heartbeat = beat()
        await js.publish(HEARTBEAT_SUBJECT, sources.encode(heartbeat))
        listening = asyncio.create_task(
            run_sources(client, pool, lambda event, **facts: told.append((event, facts)), stop)
        )
        await until(lambda: [s["highest_seq"] for s in list_sources(store)] == [5])
        await until(lambda: stored_total(store) == (5, True))
        assert read_ingest_watermarks(store) is None
        ingesting = asyncio.create_task(run_ingest(client, pool, PipelineState(), stop))
        await until(lambda: read_ingest_watermarks(store) is not None)
        marks = read_ingest_watermarks(store)
        assert marks is not None
        assert marks.settled_through == heartbeat.at - ALLOWANCE
        assert store.execute("SELECT count(*) FROM aias.usage_facts").fetchone() == (5,)
        stop.set()
        await asyncio.gather(listening, ingesting)
        await client.close()

    asyncio.run(run())
    assert [event for event, _ in told] == ["source_message_refused"]


def test_it_goes_on_after_an_outage_of_the_database(
    analytics: str, postgres_server: PostgresServer, nats_url: Secret
) -> None:
    name = f"{analytics}_late"
    pool = Pool(postgres_server.dsn(name, "aias_analytics"), "analytics", "test")
    interrupted = asyncio.Event()

    async def run() -> None:
        client, stop = await nats.connect(nats_url.reveal()), asyncio.Event()
        js = client.jetstream()
        await ensure_usage_stream(js)
        await js.purge_stream(USAGE_STREAM)
        await js.publish(HEARTBEAT_SUBJECT, sources.encode(beat("router-9")))
        listening = asyncio.create_task(run_sources(client, pool, lambda *_, **__: interrupted.set(), stop))
        await asyncio.wait_for(interrupted.wait(), 20)
        postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {analytics} OWNER aias_owner")
        with psycopg.connect(postgres_server.superuser(name).reveal(), autocommit=True) as late:
            await until(lambda: late.execute("SELECT source FROM aias.sources").fetchall() == [("router-9",)])
        stop.set()
        await listening
        await client.close()

    try:
        asyncio.run(run())
    finally:
        pool.close()


def test_an_unknown_organization_sees_no_totals_of_another(store: psycopg.Connection) -> None:
    store_messages(store, [total(3), total(4, org_id=OTHER_ORG)])
    store.execute("SET ROLE aias_reader")
    store.execute("SELECT set_config('aias.org_id', %s, false)", [str(OTHER_ORG)])
    assert store.execute("SELECT sum(requests) FROM aias.source_totals").fetchone() == (4,)


def is_sealed(store: psycopg.Connection) -> list[bool]:
    return [sealed for (sealed,) in store.execute("SELECT sealed FROM aias.source_totals ORDER BY hour")]


def test_the_totals_of_a_source_that_said_goodbye_are_final_once_it_is_reached(store: psycopg.Connection) -> None:
    goodbye = beat(closing=True)
    store_messages(store, [total(3), goodbye])
    settle(store, [], None, clock.now())
    assert is_sealed(store) == [False]
    settle(store, [goodbye], None, clock.now())
    assert is_sealed(store) == [True]


def test_a_goodbye_that_a_restart_forgot_counts_when_the_stream_is_empty(store: psycopg.Connection) -> None:
    store_messages(store, [total(3), beat(closing=True)])
    settle(store, [], clock.now(), clock.now())
    assert is_sealed(store) == [True]


def test_a_goodbye_that_is_not_reached_holds_the_watermark(store: psycopg.Connection) -> None:
    reach(store, beat("router-2", ago=30))
    store_messages(store, [beat("router-1", closing=True)])
    settle(store, [beat("router-2")], None, clock.now())
    assert read_ingest_watermarks(store).settled_through < clock.now() - timedelta(seconds=25)


def test_a_source_that_comes_back_holds_the_watermark_where_it_left(
    store: psycopg.Connection,
) -> None:
    reach(store, beat(ago=60, closing=True))
    store_messages(store, [beat()])
    settle(store, [], None, clock.now())
    assert read_ingest_watermarks(store).settled_through < clock.now() - timedelta(seconds=55)


def test_a_clock_that_is_ahead_does_not_make_figures_fresher(store: psycopg.Connection) -> None:
    reach(store, beat(ago=-240))
    assert read_ingest_watermarks(store).settled_through <= clock.now()

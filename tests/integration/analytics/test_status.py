from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.reconcile.run import run_reconciliation
from aias_core.analytics.reconcile.schedule import DAILY, HOURLY, run_due
from aias_core.analytics.rollup.run import enqueue_window, run_rollup
from aias_core.analytics.sources.store import settle, store_messages
from aias_core.analytics.status.figures import read_figures
from aias_core.analytics.status.read import iter_problems, read_status
from aias_core.contracts import usage
from aias_core.contracts.sources import Heartbeat
from aias_core.database.connection import connect
from aias_core.windows import Window
from support.events import ORG, make_event
from support.rows import put

if TYPE_CHECKING:
    from support.servers import PostgresServer

EARLIER = clock.now() - timedelta(hours=1)


def beat(store: psycopg.Connection, source: str = "router-1", ago: float = 0) -> None:
    heartbeat = Heartbeat(source=source, at=clock.now() - timedelta(seconds=ago), highest_seq=9, published_seq=7)
    store_messages(store, [heartbeat])
    settle(store, [heartbeat], None, clock.now())


@pytest.fixture
def healthy(store: psycopg.Connection) -> psycopg.Connection:
    """A store with a source, an event, its rollups and reconciliations: nothing is off."""
    beat(store)
    ingest_lines(store, [usage.encode(make_event())], "test")
    run_rollup(store)
    run_due(store, clock.now())
    return store


def test_a_healthy_pipeline_has_no_problem(healthy: psycopg.Connection) -> None:
    record = read_status(healthy).as_record()
    assert record["problems"] == []
    assert 0 <= record["lag_seconds"] < 60
    assert (record["unpublished_events"], record["dirty_buckets"]) == (2, {"hour": 0, "day": 0})
    assert set(record["last_rollups"]) == {"hour", "day"}
    assert {run["result"] for run in record["last_reconciliations"].values()} == {"equal"}


def test_a_smaller_run_does_not_hide_what_a_larger_one_found(healthy: psycopg.Connection) -> None:
    today = windows.day_of(clock.now())
    large = Window(today - timedelta(days=20), today + timedelta(days=1))
    healthy.execute("DELETE FROM aias.usage_days")
    run_reconciliation(healthy, large)
    run_reconciliation(healthy, Window(today - timedelta(days=5), today - timedelta(days=4)))
    assert read_status(healthy).reconciliations["rollups"].result == "different"
    enqueue_window(healthy, large)
    run_rollup(healthy)
    run_reconciliation(healthy, large)
    assert read_status(healthy).reconciliations["rollups"].result == "equal"


def letter(store: psycopg.Connection) -> None:
    row = {"reason": "future", "detail": "x", "payload": b"{}", "source": "test", "received_at": clock.now()}
    put(store, "dead_letters", letter_id=ORG, batch_id=ORG, **row)


def silence(store: psycopg.Connection) -> None:
    beat(store, "router-2", ago=90)


def delay(store: psycopg.Connection) -> None:
    store.execute("UPDATE aias.watermarks SET settled_through = settled_through - interval '6 minutes'")


def stall(store: psycopg.Connection) -> None:
    put(store, "dirty_hours", bucket_start=windows.hour_of(EARLIER), org_id=ORG, cause=ORG, enqueued_at=EARLIER)


def differ(store: psycopg.Connection) -> None:
    store.execute("DELETE FROM aias.usage_days")
    store.execute("INSERT INTO aias.dirty_hours SELECT bucket_start, org_id, run_id FROM aias.usage_hours")
    run_due(store, clock.now() + timedelta(days=1))
    run_rollup(store)
    store.execute("DELETE FROM aias.usage_days")
    run_due(store, clock.now() + timedelta(days=2))


def misprice(store: psycopg.Connection) -> None:
    ingest_lines(store, [usage.encode(make_event(cost_pico=1))], "test")
    run_rollup(store)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (letter, "1 dead letters are open: future"),
        (silence, "the source 'router-2' is silent"),
        (delay, "s behind"),
        (stall, "a dirty hour waits since"),
        (differ, "the last reconciliation of rollups found differences"),
        (misprice, "1 costs do not follow their price row"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_off_is_said(healthy: psycopg.Connection, spoil: Any, said: str) -> None:
    spoil(healthy)
    problems = list(iter_problems(read_status(healthy)))
    assert any(said in problem for problem in problems), problems


def test_a_missing_partition_and_rows_in_the_default_one_are_said(
    healthy: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    with psycopg.connect(postgres_server.superuser(healthy.info.dbname).reveal(), autocommit=True) as superuser:
        for table in ("usage_facts", "usage_day_keys"):
            superuser.execute(f"DROP TABLE aias.{table}_{clock.now():%Y%m}".encode())
    ingest_lines(healthy, [usage.encode(make_event())], "test")
    problems = list(iter_problems(read_status(healthy)))
    assert {"1 facts found no partition", "a table has no partition for tomorrow"} <= set(problems)


def test_a_pipeline_that_never_reported_is_unknown_and_not_fine(store: psycopg.Connection) -> None:
    status = read_status(store)
    assert status.lag_seconds("rollup_day") is None
    assert "the rollups have not reported how far they are" in list(iter_problems(status))


def test_each_process_may_try_and_one_runs_what_is_due(
    healthy: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    now = clock.now() + timedelta(days=1)
    with connect(postgres_server.dsn(healthy.info.dbname, "aias_analytics"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('aias reconcile', 0))")
        assert run_due(healthy, now) == []
        other.execute("SELECT pg_advisory_unlock_all()")
    hourly, daily = run_due(healthy, now)
    assert hourly.request.window.end - hourly.request.window.start == HOURLY
    assert daily.request.window.end - daily.request.window.start == DAILY
    assert daily.request.window.end == windows.day_of(now)


def test_what_ran_since_it_was_due_is_not_run_again(healthy: psycopg.Connection) -> None:
    assert run_due(healthy, clock.now()) == []


def test_figures_count_what_ended_since(healthy: psycopg.Connection) -> None:
    figures = read_figures(healthy, EARLIER)
    assert (len(figures.batches), len(figures.rollups), figures.rollup_rows > 0) == (1, 1, True)
    assert figures.organizations == {"fresh": 1, "idle": 1}
    later: datetime = figures.status.at
    again = read_figures(healthy, later)
    assert (again.batches, again.rollups, again.rollup_rows) == ([], [], 0)


@pytest.mark.parametrize(("minutes", "word"), [(6, "stale"), (11, "delayed")])
def test_organizations_are_as_fresh_as_the_pipeline(healthy: psycopg.Connection, minutes: int, word: str) -> None:
    healthy.execute(
        "UPDATE aias.watermarks SET settled_through = settled_through - make_interval(mins => %s)", [minutes]
    )
    assert read_figures(healthy, EARLIER).organizations == {word: 2}

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.analytics.rollup.rebuild import RebuildOptions, run_rebuild
from aias_core.analytics.rollup.run import (
    align_window,
    count_dirty_buckets,
    enqueue_window,
    list_window_buckets,
    run_rollup,
)
from aias_core.contracts import usage
from aias_core.database.connection import connect
from aias_core.errors import InvalidInput, LockHeld, NotFound, Partial
from aias_core.windows import Window
from support.events import ORG, OTHER_ORG, make_event
from support.killing import run_and_die

if TYPE_CHECKING:
    from support.servers import PostgresServer

Connect = Callable[[], AbstractContextManager[psycopg.Connection]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = windows.day_of(clock.now())
RANGE = Window(LAST - 4 * DAY, LAST)
SPOILED = "UPDATE aias.usage_hours SET requests = requests + 1, successes = successes + 1"


@pytest.fixture
def again(postgres_server: PostgresServer, store: psycopg.Connection) -> Connect:
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    @contextmanager
    def connect_again() -> Iterator[psycopg.Connection]:
        with connect(dsn, autocommit=True) as connection:
            yield connection

    return connect_again


@pytest.fixture
def spoil(postgres_server: PostgresServer, store: psycopg.Connection) -> Callable[[], None]:
    """Makes every stored hour and day wrong, as no command can."""

    def spoil_all() -> None:
        dsn = postgres_server.dsn(store.info.dbname, "postgres")
        with connect(dsn, autocommit=True) as owner:
            for table in ("usage_hours", "usage_days"):
                owner.execute(SPOILED.replace("usage_hours", table).encode())

    return spoil_all


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return RANGE.start + day * DAY + timedelta(hours=hour, minutes=minute)


@pytest.fixture
def filled(store: psycopg.Connection) -> psycopg.Connection:
    """Two organizations, four days, three hours of each, rolled up."""
    ensure_partitions(store, clock.now(), RANGE.start)
    events = [
        make_event(at=at(day, hour, minute), org_id=org)
        for day in range(4)
        for hour in (0, 11, 23)
        for minute in (0, 59)
        for org in (ORG, OTHER_ORG)
    ]
    ingest_lines(store, [usage.encode(event) for event in events], "test")
    run_rollup(store)
    return store


def rows(store: psycopg.Connection, table: str) -> list[Any]:
    query = f"SELECT to_jsonb(t) - 'run_id' FROM aias.{table} t ORDER BY bucket_start, org_id"
    return store.execute(query.encode()).fetchall()


def all_rows(store: psycopg.Connection) -> list[list[Any]]:
    return [rows(store, table) for table in ("usage_hours", "usage_days", "usage_hour_keys", "usage_day_keys")]


@pytest.mark.parametrize(("grains", "length"), [(("hour", "day"), HOUR), (("hour",), HOUR), (("day",), DAY)])
def test_a_window_that_is_not_aligned_is_refused_or_widened_outwards(grains: Any, length: timedelta) -> None:
    odd = Window(LAST - DAY + timedelta(minutes=1), LAST - timedelta(minutes=1))
    with pytest.raises(InvalidInput) as refused:
        align_window(odd, grains, widen=False)
    assert "--align" in str(refused.value.hint)
    widened = align_window(odd, grains, widen=True)
    assert widened == Window(LAST - DAY, LAST)
    assert align_window(widened, grains, widen=False) == widened
    assert (widened.end - widened.start) % length == timedelta(0)


def test_exactly_the_buckets_of_a_window_are_recomputed(filled: psycopg.Connection, spoil: Callable[[], None]) -> None:
    right = all_rows(filled)
    spoil()
    window = Window(at(1, 11), at(1, 12))
    assert [(row["grain"], row["bucket_start"]) for row in list_window_buckets(filled, window, ORG)] == [
        ("hour", at(1, 11)),
        ("day", at(1)),
    ]
    assert enqueue_window(filled, window, ORG) == 1
    run_rollup(filled)
    hours = zip(rows(filled, "usage_hours"), right[0], strict=True)
    mended = [good for (found,), (good,) in hours if found == good]
    assert [(row["org_id"], row["requests"]) for row in mended] == [(str(ORG), 2)]
    enqueue_window(filled, RANGE)
    run_rollup(filled)
    assert all_rows(filled) == right


def test_days_alone_are_merged_from_their_hours(filled: psycopg.Connection, spoil: Callable[[], None]) -> None:
    right = all_rows(filled)
    spoil()
    assert enqueue_window(filled, RANGE, grains=("day",)) == 8
    run = run_rollup(filled, grains=("day",))
    assert (run.hours, run.days) == (0, 8)
    assert [row["requests"] for (row,) in rows(filled, "usage_days")] == [9] * 8
    enqueue_window(filled, RANGE)
    run_rollup(filled)
    assert all_rows(filled) == right


@pytest.mark.parametrize(("engine", "workers"), [("rows", 1), ("rows", 3), ("columns", 2)])
def test_a_rebuild_gives_the_same_rows(
    filled: psycopg.Connection, again: Connect, spoil: Callable[[], None], engine: Any, workers: int
) -> None:
    right = all_rows(filled)
    spoil()
    rebuild = run_rebuild(again, RANGE, RebuildOptions("test", workers=workers, engine=engine))
    assert (rebuild.days_done, rebuild.hours, rebuild.source_rows) == (4, 24, 48)
    assert all_rows(filled) == right
    assert filled.execute("SELECT state, checkpoint FROM aias.rollup_rebuilds").fetchall() == [("done", RANGE.end)]
    with pytest.raises(NotFound):
        run_rebuild(again, RANGE, RebuildOptions("test", resume=True))


def test_an_interrupted_rebuild_goes_on_after_its_last_whole_day(filled: psycopg.Connection, again: Connect) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Partial):
        run_rebuild(again, RANGE, RebuildOptions("test", tell=interrupt))
    assert run_rebuild(again, RANGE, RebuildOptions("test", resume=True)).days_done == 3
    assert filled.execute("SELECT count(*), min(state) FROM aias.rollup_rebuilds").fetchall() == [(1, "done")]


@pytest.mark.parametrize("call", [4, 8, 12, 17])
def test_a_killed_rebuild_goes_on_and_gives_the_same_rows(
    filled: psycopg.Connection, again: Connect, spoil: Callable[[], None], call: int
) -> None:
    right = all_rows(filled)
    spoil()
    assert run_and_die(lambda: run_rebuild(again, RANGE, RebuildOptions("test")), call)
    resumed = _resume_when_the_dead_one_is_gone(again)
    assert resumed.checkpoint == RANGE.end
    assert all_rows(filled) == right
    assert count_dirty_buckets(filled) == 0


def _resume_when_the_dead_one_is_gone(again: Connect) -> Any:
    while True:
        try:
            return run_rebuild(again, RANGE, RebuildOptions("test", resume=True))
        except LockHeld:  # the server has not noticed yet that the process is gone
            continue


def test_two_rebuilds_at_once_are_refused(filled: psycopg.Connection, again: Connect) -> None:
    filled.execute("SELECT pg_advisory_lock(hashtextextended('aias.rollup_rebuilds', 0))")
    with pytest.raises(LockHeld):
        run_rebuild(again, RANGE, RebuildOptions("test"))


def test_a_rebuild_is_no_faster_than_it_may_be(filled: psycopg.Connection, again: Connect) -> None:
    began = clock.monotonic()
    run_rebuild(again, RANGE, RebuildOptions("test", max_rows_per_second=40))
    assert clock.monotonic() - began >= 48 / 40

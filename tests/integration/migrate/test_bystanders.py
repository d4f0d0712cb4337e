"""What a run does to others: sessions that read and write beside it, and other runners."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from aias_core.migrate.apply import BlockedByOthers, Executor
from aias_core.migrate.runner import MigrationRun, RunOptions, migrate
from aias_core.migrate.target import Target
from support.migrations import ALONE, fetch, invalid_indexes, statuses_of, write_migration

RUNNERS, FILES, BUILDS = 16, 100, 5


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run gives up its retries after two seconds."""
    monkeypatch.setattr(Executor.__init__, "__defaults__", (2.0, *(Executor.__init__.__defaults__ or ())[1:]))


@contextmanager
def owner_session(target: Target) -> Iterator[psycopg.Connection]:
    with psycopg.connect(target.dsn.reveal()) as connection:
        connection.execute("SET ROLE aias_owner")
        yield connection


def files_of(target: Target) -> Path:
    assert target.directory is not None
    return target.directory


@pytest.mark.usefixtures("impatient")
def test_nobody_queues_behind_a_migration_that_waits_for_a_reader(target: Target) -> None:
    migrate(target)
    write_migration(files_of(target), "202610010002", "three", "ALTER TABLE one ADD COLUMN note text;", "SELECT 1;")
    answered = threading.Event()

    def watch(sentence: str) -> None:
        if "waits for locks" in sentence:
            with owner_session(target) as bystander:
                bystander.execute("SELECT count(*) FROM one")
            answered.set()

    with owner_session(target) as reader:
        reader.execute("SELECT count(*) FROM one")
        with pytest.raises(BlockedByOthers):
            migrate(target, progress=watch)
    assert answered.is_set()


@pytest.mark.usefixtures("impatient")
def test_a_statement_that_keeps_others_waiting_is_taken_back(target: Target) -> None:
    migrate(target)
    write_migration(
        files_of(target),
        "202610010002",
        "three",
        "ALTER TABLE one ADD COLUMN note text;\nSELECT pg_sleep(600);",
        "SELECT 1;",
    )
    stop, answers = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            with owner_session(target) as bystander:
                answers.append(bystander.execute("SELECT count(*) FROM one").fetchone())

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        with pytest.raises(BlockedByOthers, match="was taken back, because others waited"):
            migrate(target)
    finally:
        stop.set()
        asking.join()
    assert answers
    assert fetch(target.dsn, "SELECT longest_stall_ms > 0 FROM aias_migrations.runs WHERE status = 'failed'") == [
        (True,)
    ]


def _run(target: Target) -> MigrationRun:
    return migrate(target, RunOptions(lock_wait_seconds=120))


def test_of_sixteen_runners_one_applies_a_hundred_files_with_concurrent_builds(target: Target) -> None:
    for number in range(2, FILES):
        up = f"CREATE TABLE t{number} (id bigint PRIMARY KEY, kind text);"
        if number % (FILES // BUILDS) == 0:
            up = f"{ALONE}{up}\nCREATE INDEX CONCURRENTLY t{number}_kind_idx ON t{number} (kind);"
        minute = f"{number // 60:02}{number % 60:02}"
        write_migration(files_of(target), f"20261001{minute}", f"t{number}", up, f"DROP TABLE t{number};")
    with ProcessPoolExecutor(RUNNERS, multiprocessing.get_context("fork")) as pool:
        runs = list(pool.map(_run, [target] * RUNNERS))
    assert sorted(len(run.versions) for run in runs) == [0] * (RUNNERS - 1) + [FILES]
    assert set(statuses_of(target.dsn).values()) == {"applied"}
    assert invalid_indexes(target.dsn) == 0
    assert fetch(target.dsn, "SELECT status, count(*) FROM aias_migrations.runs GROUP BY 1") == [("succeeded", 1)]

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.errors import Conflict, DependencyUnreachable, InvalidInput, LockHeld, NotFound, Refused
from aias_core.migrate.apply import BlockedByOthers, ExecutedStatementEdited, Executor, MigrationFailed
from aias_core.migrate.catalog.snapshot import read_catalog
from aias_core.migrate.consent import Consent
from aias_core.migrate.history import MigrationEdited, MigrationOutOfOrder
from aias_core.migrate.plan import Reach
from aias_core.migrate.runner import ReasonMissing, RunOptions, WindowExceeded, migrate, rollback
from aias_core.migrate.session import ServerUnsuitable, locked_session
from aias_core.migrate.target import Target, read_status
from aias_core.secret import Secret
from support.migrations import (
    ALONE,
    fetch,
    invalid_indexes,
    migrate_and_die,
    statuses_of,
    tables_of,
    write_migration,
)

if TYPE_CHECKING:
    from support.servers import PostgresServer

ONE, TWO, THREE = "202610010000", "202610010001", "202610010002"
BECAUSE = RunOptions(reason="a test")
LOSING = RunOptions(Consent(overrides=frozenset({"data-loss"})), "a test")


def files_of(target: Target) -> Path:
    assert target.directory is not None
    return target.directory


def add(target: Target, up: str, down: str = "SELECT 1;", version: str = THREE) -> None:
    write_migration(files_of(target), version, "three", up, down)


def test_pending_migrations_are_applied_once(target: Target) -> None:
    assert migrate(target).versions == [ONE, TWO]
    assert tables_of(target.dsn) == {"one", "two"}
    assert migrate(target).versions == []
    assert read_status(target).version == TWO


def test_migrating_to_a_version_stops_there(target: Target) -> None:
    assert migrate(target, to=ONE).versions == [ONE]
    assert tables_of(target.dsn) == {"one"}
    with pytest.raises(NotFound, match="209901010000"):
        migrate(target, to="209901010000")


def test_a_failing_file_leaves_nothing_and_is_not_tried_again_unchanged(target: Target) -> None:
    (files_of(target) / f"{TWO}_two.up.sql").write_text("CREATE TABLE two (id bigint);\nSELECT 1/0;")
    with pytest.raises(MigrationFailed, match=rf"{TWO}_two.up.sql:2: division by zero"):
        migrate(target)
    assert tables_of(target.dsn) == {"one"}
    assert statuses_of(target.dsn) == {ONE: "applied", TWO: "failed"}
    assert fetch(target.dsn, "SELECT ordinal, error FROM aias_migrations.statements WHERE error IS NOT NULL") == [
        (2, "division by zero")
    ]
    with pytest.raises(Refused, match="failed on 'x' and has not changed since"):
        migrate(target)
    (files_of(target) / f"{TWO}_two.up.sql").write_text("CREATE TABLE two (id bigint);")
    assert migrate(target).versions == [TWO]


@pytest.mark.parametrize(
    ("part", "text"),
    [("up", "CREATE TABLE other (id bigint);"), ("down", "SELECT 2;")],
    ids=["up", "down"],
)
def test_an_edited_applied_file_is_refused(target: Target, part: str, text: str) -> None:
    migrate(target)
    (files_of(target) / f"{ONE}_one.{part}.sql").write_text(text)
    with pytest.raises(MigrationEdited, match=f"{ONE}_one"):
        migrate(target)


def test_a_removed_applied_file_is_refused(target: Target) -> None:
    migrate(target)
    for path in files_of(target).glob(f"{TWO}*"):
        path.unlink()
    with pytest.raises(MigrationEdited, match="its file is gone"):
        read_status(target)


def test_a_file_older_than_an_applied_one_is_refused(target: Target) -> None:
    migrate(target)
    write_migration(files_of(target), "202609010000", "late", "SELECT 1;", "SELECT 1;")
    with pytest.raises(MigrationOutOfOrder, match="202609010000_late"):
        migrate(target)


@pytest.mark.parametrize(
    "tampering",
    [
        f"DELETE FROM aias_migrations.history WHERE version = '{ONE}'",
        f"UPDATE aias_migrations.history SET chain = repeat('0', 64) WHERE version = '{ONE}'",
        f"UPDATE aias_migrations.history SET version = '202609010000' WHERE version = '{TWO}'",
    ],
    ids=["deleted", "altered", "reordered"],
)
def test_a_history_that_was_tampered_with_is_refused(target: Target, tampering: str) -> None:
    migrate(target)
    with psycopg.connect(target.dsn.reveal()) as connection:
        connection.execute(tampering.encode())
    with pytest.raises((MigrationEdited, MigrationOutOfOrder)):
        migrate(target)


def test_the_other_databases_address_is_refused(target: Target) -> None:
    migrate(target)
    write_migration(files_of(target), THREE, "three", "SELECT 1;", "SELECT 1;")
    with pytest.raises(Conflict, match="holds 'x', not 'y'"):
        migrate(Target("y", target.dsn, target.directory))


def test_transaction_control_in_a_file_is_refused_before_anything_runs(target: Target) -> None:
    add(target, "CREATE TABLE three (id bigint);\n\nBEGIN;")
    with pytest.raises(InvalidInput, match=f"{THREE}_three.up.sql:3: transactions are the runner's business"):
        migrate(target)
    assert tables_of(target.dsn) == set()


def test_a_concurrent_statement_needs_a_file_without_transaction(target: Target) -> None:
    add(target, "CREATE INDEX CONCURRENTLY one_idx ON one (id);")
    with pytest.raises(InvalidInput, match="cannot run in a transaction"):
        migrate(target)


def test_an_unreachable_and_a_too_old_server_are_named(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Target("x", Secret("host=127.0.0.1 port=1 user=x dbname=x"), target.directory)
    with pytest.raises(DependencyUnreachable, match="database 'x' does not answer"):
        migrate(away)
    monkeypatch.setattr("aias_core.migrate.session.OLDEST_SERVER", 990000)
    with pytest.raises(ServerUnsuitable, match="99 or newer is needed"):
        migrate(target)


def test_of_many_runners_at_once_exactly_one_applies(target: Target) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: migrate(target, RunOptions(lock_wait_seconds=30)), range(8)))
    assert sorted(len(run.versions) for run in runs) == [0] * 7 + [2]


def test_a_runner_names_who_holds_the_lock(target: Target) -> None:
    with locked_session("x", target.dsn, 0, print), pytest.raises(LockHeld, match=r"aias db .* since"):
        migrate(target)
    assert migrate(target).versions


def test_rolling_back_reverts_exactly_the_newest(target: Target) -> None:
    migrate(target)
    assert rollback(target, Reach(steps=1), BECAUSE).versions == [TWO]
    assert tables_of(target.dsn) == {"one"}
    assert statuses_of(target.dsn) == {ONE: "applied", TWO: "reverted"}
    assert migrate(target).versions == [TWO]


@pytest.mark.parametrize(
    ("reach", "error"),
    [
        ({"steps": 3}, NotFound),
        ({"to": "209901010000"}, NotFound),
        ({"only": ONE}, InvalidInput),
        ({"only": "209901010000"}, NotFound),
        ({}, InvalidInput),
        ({"steps": 1, "to": ONE}, InvalidInput),
    ],
    ids=str,
)
def test_a_rollback_to_nowhere_runs_nothing(target: Target, reach: dict[str, str], error: type[Exception]) -> None:
    migrate(target)
    with pytest.raises(error):
        rollback(target, Reach(**reach), BECAUSE)  # type: ignore[arg-type]
    assert tables_of(target.dsn) == {"one", "two"}


def test_a_rollback_needs_a_reason(target: Target) -> None:
    migrate(target)
    with pytest.raises(ReasonMissing):
        rollback(target, Reach(steps=1), RunOptions())


def test_a_rollback_that_would_lose_rows_counts_them_and_is_refused(target: Target) -> None:
    migrate(target)
    with psycopg.connect(target.dsn.reveal()) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute("INSERT INTO two SELECT generate_series(1, 7)")
    with pytest.raises(Refused, match="would lose 7 rows of two"):
        rollback(target, Reach(steps=1), BECAUSE)
    assert rollback(target, Reach(steps=1), LOSING).versions == [TWO]


def test_a_way_back_that_was_ruled_out_is_refused(target: Target) -> None:
    add(target, "-- aias: down = none\nCREATE TABLE three (id bigint);")
    migrate(target, RunOptions(Consent(overrides=frozenset({"destructive"}))))
    with pytest.raises(InvalidInput, match="cannot be reverted"):
        rollback(target, Reach(steps=1), BECAUSE)


def test_dropping_something_needs_its_name(target: Target) -> None:
    migrate(target)
    add(target, "DROP TABLE one;")
    with pytest.raises(Refused, match="drops something"):
        migrate(target)
    assert "one" in tables_of(target.dsn)
    assert migrate(target, RunOptions(Consent(overrides=frozenset({"destructive"})))).versions == [THREE]


def test_the_window_ends_a_run_between_files(target: Target) -> None:
    with pytest.raises(WindowExceeded):
        migrate(target, RunOptions(window_seconds=0))
    assert fetch(target.dsn, "SELECT status FROM aias_migrations.runs") == [("partial",)]
    assert migrate(target).versions == [ONE, TWO]


def test_a_run_waits_for_a_reader_in_short_slices_and_names_it(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(target)
    add(target, "ALTER TABLE one ADD COLUMN note text;")
    monkeypatch.setattr(Executor.__init__, "__defaults__", (0.5, *(Executor.__init__.__defaults__ or ())[1:]))
    with psycopg.connect(target.dsn.reveal()) as reader:
        reader.execute("SET ROLE aias_owner")
        reader.execute("SELECT count(*) FROM one")
        with pytest.raises(BlockedByOthers, match=f"pid {reader.info.backend_pid} of 'aias_migrator' on 'one'"):
            migrate(target)
    assert fetch(target.dsn, "SELECT lock_retries > 0 FROM aias_migrations.runs ORDER BY started_at DESC LIMIT 1") == [
        (True,)
    ]
    assert migrate(target).versions == [THREE]


CONCURRENT = f"""{ALONE}CREATE TABLE big AS SELECT i AS id, i % 97 AS kind FROM generate_series(1, 20000) i;
CREATE INDEX CONCURRENTLY big_id_idx ON big (id);
CREATE UNIQUE INDEX CONCURRENTLY big_id_key ON big (id);
ALTER TABLE big ADD COLUMN note text;
CREATE INDEX CONCURRENTLY big_kind_idx ON big (kind);
REINDEX INDEX CONCURRENTLY big_kind_idx;
DROP INDEX CONCURRENTLY big_id_idx;
UPDATE big SET note = 'x' WHERE id BETWEEN 1 AND 100;
"""


def test_killed_before_any_call_to_the_server_the_next_run_completes(
    target: Target, postgres_server: PostgresServer
) -> None:
    add(target, CONCURRENT, "DROP TABLE big;")
    at_call, survived = 1, True
    while survived:
        fresh = Target("x", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), target.directory)
        survived = migrate_and_die(fresh, at_call)
        migrate(fresh, RunOptions(lock_wait_seconds=10))
        assert set(statuses_of(fresh.dsn).values()) == {"applied"}
        assert invalid_indexes(fresh.dsn) == 0
        assert fetch(fresh.dsn, "SELECT count(*), count(note) FROM big") == [(20000, 100)]
        assert fetch(fresh.dsn, "SELECT relname FROM pg_class WHERE relname ~ '^big_' ORDER BY 1") == [
            ("big_id_key",),
            ("big_kind_idx",),
        ]
        at_call += 1
    assert at_call > 40


def test_a_failed_statement_of_a_file_without_transaction_is_resumed_after_a_correction(target: Target) -> None:
    add(target, f"{ALONE}CREATE TABLE three (id bigint);\nCREATE TABLE four (id bigint);\nSELECT 1/0;")
    with pytest.raises(MigrationFailed):
        migrate(target)
    add(target, f"{ALONE}CREATE TABLE three (id bigint);\nCREATE TABLE fore (id bigint);\nSELECT 1;")
    with pytest.raises(ExecutedStatementEdited, match="Statement 2"):
        migrate(target)
    add(target, f"{ALONE}CREATE TABLE three (id bigint);\nCREATE TABLE four (id bigint);\nSELECT 1;")
    assert migrate(target).versions == [THREE]


def test_an_unfinished_rollback_is_finished_by_the_next_run(target: Target) -> None:
    add(target, "CREATE TABLE three (id bigint);", f"{ALONE}DROP TABLE three;\nSELECT 1/0;")
    migrate(target)
    with pytest.raises(MigrationFailed):
        rollback(target, Reach(steps=1), BECAUSE)
    assert statuses_of(target.dsn)[THREE] == "reverting"
    assert read_status(target).unfinished


@pytest.fixture(params=["operational", "analytics"])
def shipped(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Target:
    return Target(request.param, postgres_server.dsn(postgres_server.empty(), "aias_migrator"))


def test_every_shipped_migration_goes_down_and_up_again(shipped: Target) -> None:
    def fingerprint() -> str:
        with psycopg.connect(shipped.dsn.reveal()) as connection:
            return read_catalog(connection).fingerprint

    empty = fingerprint()
    versions = migrate(shipped).versions
    full = fingerprint()
    assert rollback(shipped, Reach(steps=len(versions)), BECAUSE).versions == versions[::-1]
    assert fingerprint() == empty
    assert migrate(shipped).versions == versions
    assert fingerprint() == full

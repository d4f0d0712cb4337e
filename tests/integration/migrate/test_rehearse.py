"""A rehearsal says what a plan would do, and finds a way back that is none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock
from aias_core.database.scratch import scratch_server
from aias_core.errors import DifferenceFound, ObjectiveMissed
from aias_core.migrate.apply import MigrationFailed
from aias_core.migrate.files import default_directory
from aias_core.migrate.rehearse import (
    RehearsalOptions,
    RehearsedVersion,
    check_rehearsals,
    rehearse,
    rehearse_all,
)
from aias_core.migrate.runner import migrate
from aias_core.migrate.statistics import copy_statistics, estimate_rows
from aias_core.migrate.target import Target
from aias_core.secret import Secret
from support.migrations import ALONE, tables_of, write_migration

if TYPE_CHECKING:
    from support.servers import PostgresServer

VERSION = "202610010002"


def files_of(target: Target) -> Path:
    assert target.directory is not None
    return target.directory


def rehearse_file(target: Target, up: str, down: str, **options: object) -> RehearsedVersion:
    migrate(target, to="202610010001")
    write_migration(files_of(target), VERSION, "three", up, down)
    (version,) = rehearse(target, RehearsalOptions(**options)).versions  # type: ignore[arg-type]
    return version


def test_a_good_file_is_proven_and_the_target_is_not_touched(target: Target) -> None:
    version = rehearse_file(target, "CREATE TABLE three (id bigint);", "DROP TABLE three;")
    assert version.is_proven
    assert tables_of(target.dsn) == {"one", "two"}


@pytest.mark.parametrize(
    ("up", "down", "fault"),
    [
        ("CREATE TABLE three (id bigint);", "SELECT 1;", "unexpected after down: table public.three"),
        ("ALTER TABLE one ADD note text;", "DROP TABLE one;", "missing after down: table public.one"),
        (
            "COMMENT ON TABLE one IS 'new';",
            "COMMENT ON TABLE one IS 'old';",
            "unexpected after down: comment TABLE public.one",
        ),
    ],
    ids=["not undone", "too much", "comment"],
)
def test_a_down_that_is_not_the_inverse_is_found(target: Target, up: str, down: str, fault: str) -> None:
    assert fault in rehearse_file(target, up, down).differences


def test_rows_that_are_lost_are_found_unless_that_was_declared(target: Target) -> None:
    up, down = "ALTER TABLE one RENAME TO uno; DELETE FROM uno WHERE id > 3;", "ALTER TABLE uno RENAME TO one;"
    version = rehearse_file(target, up, down)
    assert version.differences == []
    assert version.changed_rows == ["public.one: 20 rows before, 4 of them or others after"]
    version = rehearse_file(target, "-- aias: down = lossy\n" + up, down)
    assert version.is_proven


def test_locks_and_rewrites_are_those_that_were_taken(target: Target) -> None:
    up = "ALTER TABLE one ALTER COLUMN id TYPE numeric;\nCREATE INDEX two_id_idx ON two (id);"
    statements = rehearse_file(target, up, "SELECT 1;").statements
    assert statements[0].rewrote == ["one"]
    assert "AccessExclusiveLock on one" in statements[0].locks
    assert statements[1].locks == ["ShareLock on two"]
    assert [statement.line for statement in statements] == [1, 2]


def test_a_column_that_rows_cannot_have_fails_where_there_are_rows(target: Target) -> None:
    up = "ALTER TABLE one ADD COLUMN kind text NOT NULL;"
    assert rehearse_file(target, up, "ALTER TABLE one DROP COLUMN kind;", rows=0).is_proven
    with pytest.raises(MigrationFailed, match=f'{VERSION}_three.up.sql:1: column "kind" .* contains null values'):
        rehearse_file(target, up, "ALTER TABLE one DROP COLUMN kind;")


def test_a_partitioned_table_can_be_changed_while_it_has_rows(target: Target) -> None:
    write_migration(
        files_of(target),
        "202610010001",
        "two",
        "CREATE TABLE two (id bigint) PARTITION BY RANGE (id);",
        "DROP TABLE two;",
    )
    assert rehearse_file(target, "ALTER TABLE two ADD note text;", "ALTER TABLE two DROP note;").is_proven


def test_a_file_without_transaction_is_rehearsed_too(target: Target) -> None:
    up = f"{ALONE}CREATE INDEX CONCURRENTLY one_id_idx ON one (id);"
    assert rehearse_file(target, up, f"{ALONE}DROP INDEX CONCURRENTLY one_id_idx;").is_proven


def test_where_nothing_is_pending_nothing_is_made(target: Target) -> None:
    migrate(target)
    told: list[str] = []
    rehearsal = rehearse(target, RehearsalOptions(), told.append)
    assert (rehearsal.versions, rehearsal.rows, told) == ([], {}, ["Nothing is pending in x"])


def test_rows_of_the_target_can_be_used(target: Target) -> None:
    migrate(target)
    with psycopg.connect(target.dsn.reveal()) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute("INSERT INTO one VALUES (-5)")
    with pytest.raises(MigrationFailed, match=f"{VERSION}_three.up.sql:1: check constraint .* is violated"):
        rehearse_file(target, "ALTER TABLE one ADD CONSTRAINT one_id_check CHECK (id > 0);", "SELECT 1;", sample=True)


def test_what_is_not_proven_or_too_slow_has_its_own_end(target: Target) -> None:
    options = RehearsalOptions(from_empty=True)
    offline = Target(target.database, Secret(""), target.directory)
    records = rehearse_all([offline], options, print)
    assert [version["version"] for version in records[0]["versions"]] == ["202610010000", "202610010001"]
    check_rehearsals(records, 60)
    with pytest.raises(ObjectiveMissed, match="takes"):
        check_rehearsals(records, 0)
    assert target.directory is not None
    write_migration(target.directory, VERSION, "three", "CREATE TABLE three (id bigint);", "SELECT 1;")
    with pytest.raises(DifferenceFound, match=f"Down of '{VERSION}' does not undo up in 'x'"):
        check_rehearsals(rehearse_all([offline], options, print), 60)


@pytest.mark.parametrize("database", ["operational", "analytics"])
def test_every_shipped_version_is_proven_with_rows_in_its_tables(database: str) -> None:
    rehearsal = rehearse(Target(database, Secret("")), RehearsalOptions(from_empty=True, rows=5))
    assert [v.version for v in rehearsal.versions if not v.is_proven] == []
    filled = sum(count > 0 for count in rehearsal.rows.values())
    assert filled > len(rehearsal.rows) // 2, rehearsal.rows


@pytest.mark.parametrize("database", ["operational", "analytics"])
def test_a_new_file_is_rehearsed_on_the_whole_schema_of_a_live_database(
    postgres_server: PostgresServer, tmp_path: Path, database: str
) -> None:
    directory = tmp_path / database
    shutil.copytree(default_directory(database), directory)
    target = Target(database, postgres_server.dsn(postgres_server.empty(), "aias_migrator"), directory)
    migrate(target)
    now = f"{clock.now():%Y%m%d%H%M}"
    write_migration(directory, now, "more", "CREATE TABLE aias.more (id bigint);", "DROP TABLE aias.more;")
    rehearsal = rehearse(target, RehearsalOptions(rows=2))
    assert [(version.slug, version.is_proven) for version in rehearsal.versions] == [("more", True)]


def test_statements_are_measured_beside_the_rows_that_the_target_has(target: Target) -> None:
    migrate(target, to="202610010001")
    with psycopg.connect(target.dsn.reveal(), autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute("INSERT INTO one SELECT generate_series(1, 5000)")
        connection.execute("CREATE TABLE parts (id bigint NOT NULL, note text) PARTITION BY RANGE (id)")
        connection.execute("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000)")
        connection.execute("CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (1000) TO (3000)")
        connection.execute("INSERT INTO parts SELECT g, 'secret ' || g FROM generate_series(0, 2999) g")
        connection.execute("ANALYZE one, parts")
    up = "ALTER TABLE one ADD note text;\nALTER TABLE parts ADD more text;"
    write_migration(files_of(target), VERSION, "three", up, "ALTER TABLE parts DROP more; ALTER TABLE one DROP note;")
    (version,) = rehearse(target, RehearsalOptions(rows=3)).versions
    assert [statement.rows for statement in version.statements] == [5000, 3000]
    assert version.is_proven


def test_values_of_columns_are_not_copied_with_the_statistics(target: Target) -> None:
    migrate(target)
    with (
        scratch_server() as server,
        psycopg.connect(server.dsn(server.create_database()).reveal(), autocommit=True) as scratch,
        psycopg.connect(target.dsn.reveal(), autocommit=True) as live,
    ):
        live.execute("SET ROLE aias_owner")
        for connection in (live, scratch):
            connection.execute("CREATE TABLE people (name text)")
        live.execute("INSERT INTO people SELECT 'ada' FROM generate_series(1, 900)")
        live.execute("INSERT INTO people SELECT NULL FROM generate_series(1, 100)")
        live.execute("ANALYZE people")
        copy_statistics(live, scratch)
        copied = scratch.execute(
            "SELECT null_frac, n_distinct, most_common_vals FROM pg_stats WHERE tablename = 'people'"
        )
        assert copied.fetchall() == [(pytest.approx(0.1), 1, None)]
        assert estimate_rows(scratch, ["people"]) == {"people": 1000}

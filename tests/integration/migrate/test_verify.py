"""A database that somebody changed by hand, or that broke: what is found, and what mends it."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from aias_core.migrate.apply import MigrationFailed
from aias_core.migrate.expected import find_differences, read_catalogs, render_expected
from aias_core.migrate.gates import PlanRefused
from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from aias_core.migrate.verify import verify_database
from support.migrations import tables_of, write_migration


def execute(target: Target, statement: str) -> None:
    with psycopg.connect(target.dsn.reveal(), autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute(statement.encode())


def files_of(target: Target) -> Path:
    assert target.directory is not None
    return target.directory


def keep_catalog(target: Target) -> None:
    (files_of(target) / "catalog.json").write_text(render_expected(read_catalogs(target)))


def broken_checks(target: Target) -> list[str]:
    return [verdict.check for verdict in verify_database(target) if not verdict.holds]


def test_a_database_as_its_files_made_it_has_no_difference(target: Target) -> None:
    keep_catalog(target)
    migrate(target)
    assert find_differences(target)["differences"] == []
    assert find_differences(target)["sql"] == []
    assert broken_checks(target) == []


def test_the_kept_catalogue_is_made_anew_from_files_that_were_edited_since(target: Target) -> None:
    keep_catalog(target)
    write_migration(files_of(target), "202610010001", "two", "CREATE TABLE other (id bigint);", "DROP TABLE other;")
    keep_catalog(target)
    assert migrate(target).versions == ["202610010000", "202610010001"]
    assert broken_checks(target) == []


def test_a_change_by_hand_is_named_stops_migrations_and_its_sql_ends_it(target: Target) -> None:
    keep_catalog(target)
    migrate(target, to="202610010000")
    execute(target, "ALTER TABLE one ADD COLUMN extra text")
    found = find_differences(target)
    assert [(d["kind"], d["name"], d["change"]) for d in found["differences"]] == [
        ("column", "public.one.extra", "unexpected")
    ]
    assert broken_checks(target) == ["the catalogue is the expected one"]
    with pytest.raises(PlanRefused, match="is not what its applied files give"):
        migrate(target)
    for statement in found["sql"]:
        execute(target, statement)
    assert find_differences(target)["differences"] == []
    assert migrate(target).versions == ["202610010001"]


@pytest.mark.parametrize("transaction", ["required", "none"])
def test_a_file_that_gives_another_catalogue_has_failed(target: Target, transaction: str) -> None:
    up = f"-- aias: transaction = {transaction}\nCREATE TABLE three (id bigint);"
    write_migration(files_of(target), "202610010002", "three", up, "DROP TABLE three;")
    expected = json.loads(render_expected(read_catalogs(target)))
    expected["202610010002"]["fingerprint"] = "0" * 64
    (files_of(target) / "catalog.json").write_text(json.dumps(expected))
    with pytest.raises(MigrationFailed, match="is not the expected one"):
        migrate(target)
    assert ("three" in tables_of(target.dsn)) == (transaction == "none")


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("ALTER TABLE one ADD CONSTRAINT one_id_check CHECK (id > 0) NOT VALID", "no constraint is unproven"),
        ("CREATE TABLE t (org_id uuid)", "tables of tenants have forced row security"),
        ("UPDATE aias_migrations.history SET chain = repeat('0', 64)", "history follows the files, link by link"),
        ("UPDATE aias_migrations.history SET status = 'running'", "nothing is unfinished or failed"),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
            "CREATE TRIGGER one_f_tg BEFORE UPDATE ON one FOR EACH ROW EXECUTE FUNCTION f(); "
            "ALTER TABLE one DISABLE TRIGGER one_f_tg",
            "every trigger is enabled",
        ),
    ],
    ids=["unproven", "open", "history", "unfinished", "trigger"],
)
def test_what_is_broken_is_found(target: Target, statement: str, check: str) -> None:
    migrate(target)
    execute(target, statement)
    assert check in broken_checks(target)


def test_an_invalid_index_is_found(target: Target) -> None:
    migrate(target)
    execute(target, "ALTER TABLE one DROP CONSTRAINT one_pkey; INSERT INTO one VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(target, "CREATE UNIQUE INDEX CONCURRENTLY one_id_key ON one (id)")
    assert "no index is invalid" in broken_checks(target)

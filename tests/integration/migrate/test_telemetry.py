"""Runs reach a collector as spans and metrics, also those that failed; one that is away holds nothing up."""

from __future__ import annotations

import psycopg
import pytest

from aias_core.database.telemetry import ENDPOINT
from aias_core.migrate.apply import MigrationFailed
from aias_core.migrate.gates import PlanRefused
from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from support.collector import collector
from support.migrations import statuses_of, write_migration
from support.servers import free_port


def test_a_run_and_its_statements_are_spans_of_one_trace(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        run = migrate(target)
    spans = received.spans()
    assert sorted(span.name for span in spans) == ["202610010000 up 1", "202610010001 up 1", "db.up"]
    parent = next(span for span in spans if span.name == "db.up")
    assert {span.parent_span_id for span in spans if span is not parent} == {parent.span_id}
    attributes = {item.key: item.value.string_value for item in parent.attributes}
    assert (attributes["aias.run_id"], attributes["aias.status"]) == (str(run.run_id), "succeeded")


def test_a_failed_run_is_a_failed_span(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "SELECT 1 / 0;", "SELECT 1;")
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        with pytest.raises(MigrationFailed):
            migrate(target)
    spans = received.spans()
    failed = {span.name: span.status.message for span in spans if span.status.code == span.status.STATUS_CODE_ERROR}
    assert failed["202610010002 up 1"] == "division by zero"
    assert "division by zero" in failed["db.up"]


def test_a_run_is_counted_and_says_where_the_schema_is(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        migrate(target, to="202610010000")
    assert received.points() == {
        ("aias_db_migrations_total", "x", "up", "succeeded"): 1,
        ("aias_db_migration_duration_seconds", "x", "up"): 1,
        ("aias_db_schema_version", "x"): 202610010000,
        ("aias_db_schema_pending_migrations", "x"): 1,
    }


def test_a_failed_file_and_a_refused_run_are_counted_as_such(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "SELECT 1 / 0;", "SELECT 1;")
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        with pytest.raises(MigrationFailed):
            migrate(target)
    name = "aias_db_migrations_total"
    counts = {key: value for key, value in received.points().items() if key[0] == name}
    assert counts == {(name, "x", "up", "succeeded"): 2, (name, "x", "up", "failed"): 1}
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        with pytest.raises(PlanRefused, match="has not changed since"):
            migrate(target)
    assert received.points()[name, "x", "up", "failed"] == 1
    assert "aias_db_migration_duration_seconds" not in {key[0] for key in received.points()}


def test_what_statements_waited_for_locks_is_measured(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target.directory is not None
    migrate(target)
    write_migration(target.directory, "202610010002", "three", "ALTER TABLE one ADD COLUMN note text;", "SELECT 1;")
    with collector() as (url, received), psycopg.connect(target.dsn.reveal()) as reader:
        monkeypatch.setenv(ENDPOINT, url)
        reader.execute("SET ROLE aias_owner")
        reader.execute("SELECT count(*) FROM one")
        run = migrate(target, progress=lambda text: reader.rollback() if "trying again" in text else None)
    assert received.points()["aias_db_statement_lock_wait_seconds", "x"] == run.lock_retries


@pytest.mark.parametrize("kind", ["away", "refusing"])
def test_a_collector_that_does_not_take_them_fails_nothing(
    target: Target, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with collector(status=400) as (url, _):
        monkeypatch.setenv(ENDPOINT, url if kind == "refusing" else f"http://127.0.0.1:{free_port()}")
        assert migrate(target).versions
    assert set(statuses_of(target.dsn).values()) == {"applied"}

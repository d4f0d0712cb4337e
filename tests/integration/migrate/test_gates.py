"""What a run is refused for, whose names let it pass, and what is only said because it cannot be known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from aias_core.errors import InvalidInput
from aias_core.migrate.consent import Consent, read_consents
from aias_core.migrate.gates import PlanRefused
from aias_core.migrate.report import describe_plans, describe_unknown_disks
from aias_core.migrate.runner import RunOptions, migrate
from aias_core.migrate.target import Target
from support.migrations import fetch, write_migration

# A file system of the kernel, on which nothing is free.
FULL = Path("/proc")


def allowing(*names: str) -> RunOptions:
    return RunOptions(Consent(overrides=frozenset(names)))


@pytest.fixture
def rewriting(target: Target) -> Target:
    """A target with rows in a table that the pending file writes anew."""
    migrate(target)
    with psycopg.connect(target.dsn.reveal()) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute("INSERT INTO one SELECT generate_series(1, 1000)")
    assert target.directory is not None
    up = "ALTER TABLE one ALTER COLUMN id TYPE numeric;"
    write_migration(target.directory, "202610010002", "three", up, "ALTER TABLE one ALTER COLUMN id TYPE bigint;")
    return target


def test_a_rewrite_that_does_not_fit_on_the_disk_is_refused(rewriting: Target) -> None:
    full = replace(rewriting, data=FULL)
    with pytest.raises(PlanRefused, match=r"needs \d.* of disk, 0.0 bytes are free") as refused:
        migrate(full)
    assert "--allow disk" in str(refused.value.hint)
    assert migrate(full, allowing("disk")).versions == ["202610010002"]
    assert fetch(rewriting.dsn, "SELECT overrides FROM aias_migrations.runs ORDER BY started_at DESC LIMIT 1") == [
        (["disk"],)
    ]


def test_a_rewrite_that_fits_and_a_disk_that_is_not_known_refuse_nothing(rewriting: Target, tmp_path: Path) -> None:
    fits = describe_plans("x", [replace(rewriting, data=tmp_path)])
    assert (fits["obstacles"], describe_unknown_disks(fits)) == ([], [])
    unknown = describe_plans("x", [rewriting])
    assert unknown["obstacles"] == []
    (sentence,) = describe_unknown_disks(unknown)
    assert "what its server has is not known" in sentence
    assert migrate(replace(rewriting, data=tmp_path / "absent")).versions == ["202610010002"]


def test_something_destructive_without_a_proven_backup_is_refused(target: Target) -> None:
    migrate(target)
    assert target.directory is not None
    unproven = replace(target, find_backup_fault=lambda: "No backup was proven")
    assert migrate(unproven).versions == []
    write_migration(target.directory, "202610010002", "three", "DROP TABLE one;", "SELECT 1;")
    with pytest.raises(PlanRefused, match="No backup was proven") as refused:
        migrate(unproven, allowing("destructive"))
    assert "--allow backup" in str(refused.value.hint)
    assert migrate(unproven, allowing("destructive", "backup")).versions == ["202610010002"]


def test_a_file_that_drops_nothing_needs_no_backup(target: Target) -> None:
    assert migrate(replace(target, find_backup_fault=lambda: "No backup was proven")).versions


def test_an_obstacle_that_there_is_none_of_cannot_be_let_pass() -> None:
    with pytest.raises(InvalidInput, match="There is no obstacle 'everything'"):
        read_consents(["x"], Consent().policy, overrides=["everything"])

"""Random change sets: planned, applied, rolled back, applied again; the catalogue is what it should be each time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.migrate.catalog.difference import compare_catalogs
from aias_core.migrate.catalog.snapshot import Catalog, read_catalog
from aias_core.migrate.consent import Consent
from aias_core.migrate.plan import Reach
from aias_core.migrate.rehearse import RehearsalOptions, rehearse
from aias_core.migrate.runner import RunOptions, migrate, plan_migration, rollback
from aias_core.migrate.target import Target
from support.migrations import write_migration
from support.schemas import make_migrations

if TYPE_CHECKING:
    from support.servers import PostgresServer

FILES = 6
LETTING_PASS = RunOptions(Consent(overrides=frozenset({"destructive", "data-loss", "blocking"})), reason="a test")


def read(target: Target) -> Catalog:
    with psycopg.connect(target.dsn.reveal()) as connection:
        return read_catalog(connection)


@pytest.mark.parametrize("seed", range(8))
def test_a_random_change_set_goes_up_down_and_up(postgres_server: PostgresServer, tmp_path: Path, seed: int) -> None:
    target = Target("x", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), tmp_path / "files")
    for number, migration in enumerate(make_migrations(seed, FILES)):
        write_migration(tmp_path / "files", f"20261001000{number}", f"m{number}", migration.up, migration.down)
    stages = [read(target)]
    for number in range(FILES):
        plan = plan_migration(target, f"20261001000{number}")
        assert [step.migration.slug for step in plan.steps] == [f"m{number}"]
        migrate(target, LETTING_PASS, to=plan.to_version)
        stages.append(read(target))
    for number in reversed(range(FILES)):
        rollback(target, Reach(steps=1), LETTING_PASS)
        assert compare_catalogs(stages[number], read(target)) == []
    migrate(target, LETTING_PASS)
    assert read(target).fingerprint == stages[-1].fingerprint
    proven = rehearse(target, RehearsalOptions(from_empty=True, rows=0)).versions
    assert [version.differences for version in proven] == [[]] * FILES

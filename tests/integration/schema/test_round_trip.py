from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.migrate.catalog.snapshot import read_catalog
from aias_core.migrate.files import default_directory, load_migrations
from aias_core.migrate.plan import Reach
from aias_core.migrate.runner import RunOptions, migrate, rollback
from aias_core.migrate.statements import parse_directives
from aias_core.migrate.target import Target
from aias_core.secret import Secret

if TYPE_CHECKING:
    from support.servers import PostgresServer

DATABASES = ["operational", "analytics"]


def fingerprint(dsn: Secret) -> str:
    with psycopg.connect(dsn.reveal()) as connection:
        return read_catalog(connection).fingerprint


@pytest.mark.parametrize("database", DATABASES)
def test_each_version_goes_down_to_what_it_came_from_and_up_again(
    postgres_server: PostgresServer, database: str
) -> None:
    dsn = postgres_server.dsn(postgres_server.empty(), "aias_migrator")
    target = Target(database, dsn)
    empty = fingerprint(dsn)
    versions = migrate(target).versions
    full, before = fingerprint(dsn), []
    for _ in versions:
        before.append(fingerprint(dsn))
        rollback(target, Reach(steps=1), RunOptions(reason="to see it come back"))
    assert len({*before, empty}) == len(versions) + 1
    assert fingerprint(dsn) == empty
    assert migrate(target).versions == versions
    assert fingerprint(dsn) == full


@pytest.mark.parametrize("database", DATABASES)
def test_every_file_declares_phase_author_and_risk(database: str) -> None:
    for migration in load_migrations(default_directory(database)):
        for text, phase in ((migration.up, "expand"), (migration.down, "contract")):
            directives = parse_directives(text.decode(), migration.name)
            assert (directives.phase, directives.author, bool(directives.risk)) == (phase, "platform", True)

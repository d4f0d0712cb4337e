"""What the files should give: fingerprints kept beside them, and whole catalogues from a scratch server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.database.connection import connect
from aias_core.migrate.catalog.difference import compare_catalogs
from aias_core.migrate.catalog.snapshot import Catalog, read_catalog
from aias_core.migrate.files import CATALOG_FILE, Migration

if TYPE_CHECKING:
    from aias_core.migrate.target import Target


def load_expected(directory: Path) -> dict[str, str]:
    """The fingerprint after each version; empty where none is kept."""
    path = directory / CATALOG_FILE
    if not path.is_file():
        return {}
    return {version: entry["fingerprint"] for version, entry in json.loads(path.read_bytes()).items()}


def read_catalogs(target: Target) -> list[tuple[Migration, Catalog]]:
    """Each migration with the catalogue after it, from the files applied to a scratch server."""
    from aias_core.migrate.runner import RunOptions, migrate

    found: list[tuple[Migration, Catalog]] = []
    with scratch_copy(target) as scratch, connect(scratch.dsn, autocommit=True) as looking:

        def look(migration: Migration) -> None:
            found.append((migration, read_catalog(looking)))

        migrate(scratch, RunOptions(checks_catalogue=False, applied=look))
    return found


def render_expected(catalogs: Iterable[tuple[Migration, Catalog]]) -> str:
    """The text of `catalog.json`: both checksums of each version, and the fingerprint after it."""
    entries = {
        migration.version: {
            "checksum_up": migration.checksum_up,
            "checksum_down": migration.checksum_down,
            "fingerprint": catalog.fingerprint,
        }
        for migration, catalog in catalogs
    }
    return json.dumps(entries, indent=1) + "\n"


def read_expected_catalog(target: Target, version: str | None) -> Catalog:
    """The catalogue that the files give up to a version, from a scratch server; an empty one for no version."""
    from aias_core.migrate.runner import RunOptions, migrate

    with scratch_copy(target) as scratch:
        if version is not None:
            migrate(scratch, RunOptions(checks_catalogue=False), to=version)
        with connect(scratch.dsn) as connection:
            return read_catalog(connection)


def find_differences(target: Target) -> dict[str, Any]:
    """How the live catalogue differs from what its applied files give, with the SQL that would end it."""
    from aias_core.migrate.catalog.repair import build_statements
    from aias_core.migrate.target import read_status

    version = read_status(target).version
    expected = read_expected_catalog(target, version)
    with connect(target.dsn, f"database '{target.database}'") as connection:
        found = read_catalog(connection)
    return {
        "database": target.database,
        "version": version,
        "differences": [difference.as_record() for difference in compare_catalogs(expected, found)],
        "sql": build_statements(expected, found),
    }


@contextmanager
def scratch_copy(target: Target) -> Iterator[Target]:
    """An empty database on a scratch server, for the same files; gone at the end."""
    from aias_core.database.scratch import scratch_server
    from aias_core.migrate.target import Target

    with scratch_server() as server:
        yield Target(target.database, server.dsn(server.create_database(), "aias_migrator"), target.directory)

"""Applies and reverts migrations: one advisory lock per database, one transaction per file with its history row."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import __version__, clock, ids
from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, DifferenceFound, LockHeld, NotFound
from aias_core.migrate.files import Migration, default_directory, load_migrations
from aias_core.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection

LOCK_POLL_SECONDS = 0.05

_queries = load_queries(__file__)


class MigrationEdited(DifferenceFound):
    """An applied migration differs from its file"""


class MigrationOutOfOrder(Conflict):
    """A migration is older than one that is applied"""


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the history."""

    version: str
    slug: str
    checksum_up: str
    applied_at: datetime
    applied_by: str


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Where a database stands: what is applied, and what of the files is not."""

    database: str
    applied: list[Applied]
    pending: list[Migration]

    @property
    def version(self) -> str | None:
        return self.applied[-1].version if self.applied else None


@dataclass(frozen=True, slots=True)
class MigrationRun:
    """What one run did to one database."""

    database: str
    run_id: UUID
    versions: list[str] = field(default_factory=list)
    duration_ms: int = 0

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def read_status(database: str, dsn: Secret, directory: Path | None = None) -> MigrationStatus:
    """Applied and pending migrations. Raises MigrationEdited or MigrationOutOfOrder when files and history disagree."""
    migrations = load_migrations(directory or default_directory(database))
    with connect(dsn, f"database '{database}'") as connection:
        return _compare(database, _read_history(connection), migrations)


def migrate(
    database: str,
    dsn: Secret,
    *,
    directory: Path | None = None,
    lock_wait_seconds: float = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> MigrationRun:
    """Applies what is pending, oldest first; nothing pending is a run without versions.

    Raises LockHeld naming the holder when another run does not end within the wait.
    """
    migrations = load_migrations(directory or default_directory(database))
    run = MigrationRun(database, ids.new_id())
    started = time.monotonic()
    with _locked_connection(database, dsn, lock_wait_seconds) as connection:
        with connection.transaction():
            connection.execute(_queries["create_history"])
        for migration in _compare(database, _read_history(connection), migrations).pending:
            progress(f"Applying {migration.name} to {database}")
            _apply(connection, migration, run.run_id)
            run.versions.append(migration.version)
    return MigrationRun(database, run.run_id, run.versions, round((time.monotonic() - started) * 1000))


def rollback(database: str, dsn: Secret, steps: int, *, directory: Path | None = None) -> MigrationRun:
    """Reverts the newest `steps` applied migrations, newest first. Raises NotFound when there are fewer."""
    by_version = {m.version: m for m in load_migrations(directory or default_directory(database))}
    run = MigrationRun(database, ids.new_id())
    with _locked_connection(database, dsn, 0) as connection:
        applied = _read_history(connection)
        if len(applied) < steps:
            raise NotFound(f"Database '{database}' has {len(applied)} applied migrations, not {steps}")
        for row in reversed(applied[len(applied) - steps :]):
            with connection.transaction():
                connection.execute(by_version[row.version].down)
                connection.execute(_queries["delete_history"], {"version": row.version})
            run.versions.append(row.version)
    return run


@contextmanager
def _locked_connection(database: str, dsn: Secret, wait_seconds: float) -> Iterator[Connection]:
    what = f"database '{database}'"
    with connect(dsn, what, autocommit=True) as lock, connect(dsn, what, autocommit=True) as connection:
        name = f"aias db migrate {getpass.getuser()}@{socket.gethostname()} {os.getpid()}"
        lock.execute("SELECT set_config('application_name', %s, false)", [name])
        deadline = clock.monotonic() + wait_seconds
        while not _fetch_value(lock, "try_lock"):
            if clock.monotonic() >= deadline:
                raise LockHeld(f"Migrations of '{database}' are being run by {_describe_holder(lock)}")
            time.sleep(LOCK_POLL_SECONDS)
        connection.execute("SET ROLE aias_owner")
        yield connection


def _describe_holder(connection: Connection) -> str:
    row = connection.execute(_queries["find_lock_holder"]).fetchone()
    return f"'{row[1]}' since {row[3]:%Y-%m-%d %H:%M:%SZ}" if row else "a run that has just ended"


def _read_history(connection: Connection) -> list[Applied]:
    if not _fetch_value(connection, "has_history"):
        return []
    return [Applied(*row) for row in connection.execute(_queries["list_history"])]


def _compare(database: str, applied: list[Applied], migrations: list[Migration]) -> MigrationStatus:
    by_version = {migration.version: migration for migration in migrations}
    for row in applied:
        file = by_version.get(row.version)
        if file is None:
            raise MigrationEdited(f"'{row.version}_{row.slug}' is applied to '{database}', but its file is gone")
        if file.checksum_up != row.checksum_up:
            raise MigrationEdited(f"'{file.name}' was edited after it was applied to '{database}'")
    pending = [m for m in migrations if m.version not in {row.version for row in applied}]
    if applied and pending and pending[0].version < applied[-1].version:
        raise MigrationOutOfOrder(
            f"'{pending[0].name}' is older than '{applied[-1].version}', which is applied to '{database}'",
            hint="give it a later version",
        )
    return MigrationStatus(database, applied, pending)


def _apply(connection: Connection, migration: Migration, run_id: UUID) -> None:
    started = time.monotonic()
    with connection.transaction():
        connection.execute(migration.up)
        row = {
            "version": migration.version,
            "slug": migration.slug,
            "checksum_up": migration.checksum_up,
            "checksum_down": migration.checksum_down,
            "run_id": run_id,
            "duration_ms": round((time.monotonic() - started) * 1000),
            "tool_version": __version__,
        }
        connection.execute(_queries["insert_history"], row)


def _fetch_value(connection: Connection, query: str) -> Any:
    row = connection.execute(_queries[query]).fetchone()
    return row[0] if row else None

"""Dumps of single databases: for servers that are not our own, and to carry a restored database to a live server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from psycopg import IsolationLevel, sql

from aias_core.backup.clients import database_of, read_client, run_client, with_database
from aias_core.backup.rows import Contents, read_contents
from aias_core.database.bootstrap import ensure_database
from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.secret import Secret

JOBS = 2
_queries = load_queries(__file__)


@contextmanager
def dumping(dsn: Secret) -> Iterator[tuple[IO[bytes], Contents]]:
    """A dump as it is written, and what the database holds at the very moment of the dump."""
    with connect(dsn, f"database '{database_of(dsn)}'") as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        snapshot = connection.execute(_queries["export_snapshot"]).fetchall()[0][0]
        contents = read_contents(connection)
        options = ("--format=custom", "--compress=0", f"--snapshot={snapshot}", "--exclude-extension=amcheck")
        with read_client("pg_dump", dsn, *options) as output:
            yield output, contents


def load(dump: Path, dsn: Secret) -> None:
    """Loads a dump into the empty database of an address, in parallel."""
    run_client("pg_restore", dsn, "--exit-on-error", f"--jobs={JOBS}", str(dump))


def create_database(dsn: Secret, name: str) -> Secret:
    """The address of a new, empty database `name` on the server of an address; one of that name is dropped first."""
    drop_database(dsn, name)
    with connect(with_database(dsn, "postgres"), autocommit=True) as connection:
        ensure_database(connection, name)
    return with_database(dsn, name)


def drop_database(dsn: Secret, name: str) -> None:
    """Drops a database on the server of an address, with its sessions, when it is there."""
    with connect(with_database(dsn, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def copy_database(source: Secret, target: Secret, name: str, scratch: Path) -> Contents:
    """Copies a database to `name` on the server of `target`; returns what the source holds."""
    dump = scratch / f"{name}.dump"
    with dumping(source) as (output, contents), dump.open("wb") as file:
        while chunk := output.read(1024**2):
            file.write(chunk)
    load(dump, create_database(target, name))
    dump.unlink()
    return contents

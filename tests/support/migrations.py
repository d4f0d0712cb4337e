"""Migration directories for tests, and what they left in a database."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import psycopg

from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from aias_core.secret import Secret

ALONE = "-- aias: transaction = none\n"


def write_migration(directory: Path, version: str, slug: str, up: str, down: str) -> None:
    """Writes both files of a version."""
    directory.mkdir(exist_ok=True)
    (directory / f"{version}_{slug}.up.sql").write_text(up)
    (directory / f"{version}_{slug}.down.sql").write_text(down)


def fetch(dsn: Secret, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn.reveal(), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def tables_of(dsn: Secret) -> set[str]:
    return {name for (name,) in fetch(dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def statuses_of(dsn: Secret) -> dict[str, str]:
    return dict(fetch(dsn, "SELECT version, status FROM aias_migrations.history ORDER BY version"))


def invalid_indexes(dsn: Secret) -> int:
    return int(fetch(dsn, "SELECT count(*) FROM pg_index WHERE NOT indisvalid")[0][0])


def migrate_and_die(target: Target, at_call: int) -> bool:
    """Migrates in a child that ends by SIGKILL before its n-th call to the server; True when it came that far."""
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(target, at_call))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _die_at(target: Target, at_call: int) -> None:
    calls = 0
    execute = psycopg.Connection.execute

    def counted(connection: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += threading.current_thread() is threading.main_thread()
        if calls == at_call:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(connection, *args, **kwargs)

    psycopg.Connection.execute = counted  # type: ignore[method-assign]
    migrate(target)
    os._exit(0)

"""A database and the files that make it, and where it stands; imported by whoever only looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aias_core.migrate.files import default_directory, load_migrations
from aias_core.migrate.history import HistoryRow, MigrationStatus, compare_history, glance_history, read_history
from aias_core.secret import Secret


def _find_no_fault() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Target:
    """One database: its name, how to reach it as the migrator, and the files that make it.

    `data` is where the server keeps its own files, if that is on this machine. `find_backup_fault` says what is wrong
    with the backups where something destructive needs one.
    """

    database: str
    dsn: Secret
    directory: Path | None = None
    data: Path | None = None
    find_backup_fault: Callable[[], str | None] = _find_no_fault

    @property
    def files(self) -> Path:
        return self.directory or default_directory(self.database)


def read_status(target: Target) -> MigrationStatus:
    """Applied, pending and unfinished versions. Raises MigrationEdited or MigrationOutOfOrder when files disagree."""
    migrations = load_migrations(target.files)
    history = glance_history(target.dsn)
    return compare_history(target.database, _read_history(target) if history is None else history, migrations)


def _read_history(target: Target) -> list[HistoryRow]:
    from aias_core.database.connection import connect

    with connect(target.dsn, f"database '{target.database}'") as connection:
        return read_history(connection)


def has_work(targets: Iterable[Target]) -> bool:
    """Whether anything is pending or unfinished. Raises as `read_status`."""
    return any(status.has_work for status in [read_status(target) for target in targets])

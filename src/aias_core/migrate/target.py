"""A database and the files that make it, and where it stands; imported by whoever only looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aias_core.migrate.files import default_directory, load_migrations
from aias_core.migrate.history import HistoryRow, MigrationStatus, compare_history, glance_history, read_history
from aias_core.secret import Secret


@dataclass(frozen=True, slots=True)
class Target:
    """One database: its name, how to reach it as the migrator, and the files that make it."""

    database: str
    dsn: Secret
    directory: Path | None = None

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
    statuses = [read_status(target) for target in targets]
    return any(status.pending or status.unfinished for status in statuses)

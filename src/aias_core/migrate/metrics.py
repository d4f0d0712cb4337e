"""A run as metrics: how many files with what outcome, how long each took and waited, where the schema is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.database.telemetry import send_metrics
from aias_core.migrate.history import fetch_value, queries

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class FileFigures:
    """One file of a run: its direction, its outcome, and how long its statements took.

    A run that ended before a file did, because it was refused for instance, counts as one without a time.
    """

    direction: str
    outcome: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run did to a database: its files, and the version and the number of files pending when it had ended.

    `lock_waits` holds the seconds for which each statement that had to wait for a lock did, whether it got it or not.
    """

    database: str
    files: tuple[FileFigures, ...]
    schema_version: str | None
    pending: int
    lock_waits: Sequence[float] = ()


def read_figures(
    connection: Connection, database: str, run_id: UUID, known_files: int, lock_waits: Sequence[float]
) -> RunFigures:
    """The figures of a run from the engine's tables, when it has ended."""
    files = tuple(FileFigures(*row) for row in connection.execute(queries["list_file_figures"], {"run_id": run_id}))
    applied = fetch_value(connection, "count_applied")
    version = fetch_value(connection, "read_schema_version")
    return RunFigures(database, files, version, known_files - applied, lock_waits)


def send_figures(figures: RunFigures) -> None:
    """Sends the metrics of a run."""
    send_metrics("aias.migrate", partial(_record, figures))


def _record(figures: RunFigures, meter: Meter) -> None:
    files = meter.create_counter("aias_db_migrations_total", description="Files applied or reverted, by outcome")
    durations = meter.create_histogram("aias_db_migration_duration_seconds", "s", "Time of a file")
    database = {"database": figures.database}
    for file in figures.files:
        files.add(1, {**database, "direction": file.direction, "outcome": file.outcome})
        if file.seconds is not None:
            durations.record(file.seconds, {**database, "direction": file.direction})
    waits = meter.create_histogram("aias_db_statement_lock_wait_seconds", "s", "Time a statement waited for a lock")
    for seconds in figures.lock_waits:
        waits.record(seconds, database)
    for name, value in _iter_levels(figures):
        meter.create_gauge(name).set(value, database)


def _iter_levels(figures: RunFigures) -> Iterator[tuple[str, int]]:
    yield "aias_db_schema_version", int(figures.schema_version or 0)
    yield "aias_db_schema_pending_migrations", figures.pending

"""A run as metrics, from what it recorded: how many files with what outcome, how long each took, where the schema is.

A command has no address to be scraped at, so they go where the spans go. Counts are deltas, because every run is a
process of its own and begins at nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core.migrate.history import fetch_value, queries
from aias_core.migrate.spans import EXPORT_SECONDS, build_resource

if TYPE_CHECKING:
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
    """What a run did to a database: its files, and the version and the number of files pending when it had ended."""

    database: str
    files: tuple[FileFigures, ...]
    schema_version: str | None
    pending: int


def read_figures(connection: Connection, database: str, run_id: UUID, known_files: int) -> RunFigures:
    """The figures of a run from the engine's tables, when it has ended."""
    files = tuple(FileFigures(*row) for row in connection.execute(queries["list_file_figures"], {"run_id": run_id}))
    applied = fetch_value(connection, "count_applied")
    return RunFigures(database, files, fetch_value(connection, "read_schema_version"), known_files - applied)


def send_figures(figures: RunFigures) -> None:
    """Sends the metrics of a run."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader

    deltas: dict[type, AggregationTemporality] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    exporter = OTLPMetricExporter(timeout=EXPORT_SECONDS, preferred_temporality=deltas)
    reader = PeriodicExportingMetricReader(exporter, export_timeout_millis=EXPORT_SECONDS * 1000)
    provider = MeterProvider([reader], build_resource(), shutdown_on_exit=False)
    _record(provider.get_meter("aias.migrate"), figures)
    provider.shutdown(EXPORT_SECONDS * 1000)


def _record(meter: Any, figures: RunFigures) -> None:
    files = meter.create_counter("aias_db_migrations_total", description="Files applied or reverted, by outcome")
    durations = meter.create_histogram("aias_db_migration_duration_seconds", "s", "Time of a file")
    database = {"database": figures.database}
    for file in figures.files:
        files.add(1, {**database, "direction": file.direction, "outcome": file.outcome})
        if file.seconds is not None:
            durations.record(file.seconds, {**database, "direction": file.direction})
    for name, value in _iter_levels(figures):
        meter.create_gauge(name).set(value, database)


def _iter_levels(figures: RunFigures) -> Iterator[tuple[str, int]]:
    yield "aias_db_schema_version", int(figures.schema_version or 0)
    yield "aias_db_schema_pending_migrations", figures.pending

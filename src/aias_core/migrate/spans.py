"""A run as OpenTelemetry spans: one for the run, one for each statement, made from what the run recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core.database.telemetry import EXPORT_SECONDS, build_resource
from aias_core.migrate.history import queries

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """A name, a beginning and an end, with what is known about it; an error makes it a failed one."""

    name: str
    started_at: datetime
    finished_at: datetime
    attributes: Mapping[str, Any]
    error: str | None


def read_spans(connection: Connection, database: str, run_id: UUID) -> list[RecordedSpan]:
    """The span of a run, then those of its statements, from the engine's tables."""
    (row,) = connection.execute(queries["find_run"], {"run_id": run_id}).fetchall()
    direction, status, started, finished, error, retries, stall, plan = row
    common = {"db.system.name": "postgresql", "db.namespace": database, "aias.run_id": str(run_id)}
    figures = {"aias.status": status, "aias.plan_sha256": plan, "aias.lock_retries": retries, "aias.stall_ms": stall}
    statements = [
        RecordedSpan(
            f"{version} {way} {ordinal}",
            began,
            ended or finished,
            {**common, "aias.version": version, "aias.lock_class": lock_class, "aias.rows": rows or 0},
            fault,
        )
        for version, way, ordinal, _, lock_class, _, began, ended, rows, fault in connection.execute(
            queries["list_statements"], {"run_id": run_id}
        )
    ]
    return [RecordedSpan(f"db.{direction}", started, finished, {**common, **figures}, error), *statements]


def send_spans(spans: Sequence[RecordedSpan]) -> None:
    """Sends a run's span with the others as its children."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=build_resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_SECONDS)))
    tracer = provider.get_tracer("aias.migrate")
    run, *statements = spans
    parent = _start(tracer, run, None)
    for statement in statements:
        _start(tracer, statement, trace.set_span_in_context(parent)).end(_nanoseconds(statement.finished_at))
    parent.end(_nanoseconds(run.finished_at))
    provider.force_flush(EXPORT_SECONDS * 1000)
    provider.shutdown()


def _start(tracer: Any, recorded: RecordedSpan, context: Any) -> Any:
    from opentelemetry.trace import Status, StatusCode

    started = _nanoseconds(recorded.started_at)
    span = tracer.start_span(recorded.name, context, attributes=dict(recorded.attributes), start_time=started)
    if recorded.error is not None:
        span.set_status(Status(StatusCode.ERROR, recorded.error))
    return span


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000

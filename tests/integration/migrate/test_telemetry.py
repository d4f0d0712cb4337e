"""Runs reach a collector as spans, also those that failed; one that is away holds nothing up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aias_core.migrate.apply import MigrationFailed
from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from aias_core.migrate.telemetry import ENDPOINT
from support.migrations import statuses_of, write_migration
from support.servers import free_port


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """The address of a collector that speaks OTLP over HTTP, and what it has received."""
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(request)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()


def test_a_run_and_its_statements_are_spans_of_one_trace(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        run = migrate(target)
    spans = [span for request in received for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    assert sorted(span.name for span in spans) == ["202610010000 up 1", "202610010001 up 1", "db.up"]
    parent = next(span for span in spans if span.name == "db.up")
    assert {span.parent_span_id for span in spans if span is not parent} == {parent.span_id}
    attributes = {item.key: item.value.string_value for item in parent.attributes}
    assert (attributes["aias.run_id"], attributes["aias.status"]) == (str(run.run_id), "succeeded")


def test_a_failed_run_is_a_failed_span(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "SELECT 1 / 0;", "SELECT 1;")
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        with pytest.raises(MigrationFailed):
            migrate(target)
    spans = [span for request in received for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    failed = {span.name: span.status.message for span in spans if span.status.code == span.status.STATUS_CODE_ERROR}
    assert failed["202610010002 up 1"] == "division by zero"
    assert "division by zero" in failed["db.up"]


@pytest.mark.parametrize("kind", ["away", "refusing"])
def test_a_collector_that_does_not_take_them_fails_nothing(
    target: Target, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with collector(status=400) as (url, _):
        monkeypatch.setenv(ENDPOINT, url if kind == "refusing" else f"http://127.0.0.1:{free_port()}")
        assert migrate(target).versions
    assert set(statuses_of(target.dsn).values()) == {"applied"}

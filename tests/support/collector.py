"""A collector that speaks OTLP over HTTP, and keeps what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Received:
    """What a collector was sent."""

    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)

    def take(self, path: str, body: bytes) -> None:
        request = ExportTraceServiceRequest() if path == "/v1/traces" else ExportMetricsServiceRequest()
        request.ParseFromString(body)
        (self.traces if path == "/v1/traces" else self.metrics).append(request)

    def spans(self) -> list[Any]:
        scopes = (s for request in self.traces for r in request.resource_spans for s in r.scope_spans)
        return [span for scope in scopes for span in scope.spans]

    def points(self) -> dict[tuple[str, ...], float]:
        """Each value by the metric's name and the values of its attributes; of a histogram, how many."""
        scopes = (s for request in self.metrics for r in request.resource_metrics for s in r.scope_metrics)
        found = {}
        for metric in (metric for scope in scopes for metric in scope.metrics):
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                key = (
                    metric.name,
                    *(item.value.string_value for item in sorted(point.attributes, key=lambda i: i.key)),
                )
                found[key] = point.count if hasattr(point, "bucket_counts") else point.as_int
        return found


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, Received]]:
    """The address of a collector that speaks OTLP over HTTP, and what it has received."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()

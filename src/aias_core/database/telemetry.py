"""Metrics of a command on databases, for the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names.

A command has no address to be scraped at, so it sends them itself. A collector that is away or slow is waited for five
seconds, and fails nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aias_core import __version__
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.resources import Resource

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORT_SECONDS = 5


def has_collector() -> bool:
    """Whether one is named."""
    return find_variable(ENDPOINT) is not None


def build_resource() -> Resource:
    """Who sends: this program in its version."""
    from opentelemetry.sdk.resources import Resource

    return Resource({"service.name": "aias", "service.version": __version__})


def send_metrics(scope: str, record: Callable[[Meter], None]) -> None:
    """Sends what `record` writes down; counts are deltas, because every command is a process of its own."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader

    deltas: dict[type, AggregationTemporality] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    exporter = OTLPMetricExporter(timeout=EXPORT_SECONDS, preferred_temporality=deltas)
    reader = PeriodicExportingMetricReader(exporter, export_timeout_millis=EXPORT_SECONDS * 1000)
    provider = MeterProvider([reader], build_resource(), shutdown_on_exit=False)
    record(provider.get_meter(scope))
    provider.shutdown(EXPORT_SECONDS * 1000)

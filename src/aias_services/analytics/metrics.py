"""The metrics of the pipeline, prefix `aias_analytics_`: what alerts and dashboards are made of.

Most are read from the database, so every process of the service says the same; none has a label per organization. The
query API times its own questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aias_core.analytics.ingest.consumer import PipelineState
from aias_core.analytics.status.figures import Figures

PREFIX = "aias_analytics_"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)


class PipelineMetrics(Collector):
    """All of them, on one registry. `update` takes in the figures that the database gave."""

    def __init__(self, state: PipelineState, registry: CollectorRegistry = REGISTRY) -> None:
        self._state = state
        self._figures: Figures | None = None
        self._batches = _histogram(registry, "batch_seconds", "Time to store a batch of events")
        self._rollups = _histogram(registry, "rollup_seconds", "Time of a rollup pass that did something")
        self._exports = _histogram(registry, "export_seconds", "Time from asking for an export to its end")
        self._rows = Counter(f"{PREFIX}rollup_rows", "Rows that rollups wrote", registry=registry)
        registry.register(self)

    def update(self, figures: Figures) -> None:
        """Takes in new figures; durations in them are observed once."""
        self._figures = figures
        for histogram, durations in (
            (self._batches, figures.batches),
            (self._rollups, figures.rollups),
            (self._exports, figures.exports),
        ):
            for seconds in durations:
                histogram.observe(seconds)
        self._rows.inc(figures.rollup_rows)

    def collect(self) -> Iterator[Metric]:
        """Yields the counts of this process and, once they were read, the figures of the database."""
        counts = {name: getattr(self._state, name) for name in ("accepted", "duplicate", "rejected", "erased")}
        events = CounterMetricFamily(f"{PREFIX}events", "Events by result since the start", labels=["result"])
        for result, count in counts.items():
            events.add_metric([result], count)
        yield events
        yield _gauge("stream_pending_messages", "Messages that are not yet stored", self._state.pending_messages)
        if self._figures is not None:
            yield from _describe(self._figures)


def _describe(figures: Figures) -> Iterator[Metric]:
    status, at = figures.status, figures.status.at
    yield _gauge("ingest_lag_seconds", "How far facts are behind", status.lag_seconds("ingest"))
    yield _gauge("freshness_lag_seconds", "How far rollups are behind", status.lag_seconds("rollup_day"))
    yield _by("freshness_tenants", "Organizations by freshness", "status", figures.organizations)
    yield _gauge("silent_sources", "Sources that are not heard any more", len(status.silent))
    yield _gauge("source_gap_events", "Events of sources that no fact holds", figures.deltas.get(("gaps", "events"), 0))
    duplicates = figures.deltas.get(("duplicates", "facts"), 0)
    yield _gauge("unresolved_duplicates", "Events that are stored more than once", duplicates)
    yield _by("dead_letters_open", "Dead letters by reason", "reason", status.dead_letters)
    costs = {"pending": 0, "mismatch": 0, **status.costs}
    yield _by("cost_checks_total", "Facts whose cost is not proven, by result", "result", costs)
    yield _by("dirty_buckets", "Buckets that wait", "grain", {g: q.buckets for g, q in status.queues.items()})
    marks = status.watermarks.get("rollup_day")
    yield _instant(
        "rollup_last_success_timestamp_seconds", "Last whole rollup pass", marks.reported_at if marks else None
    )
    delta = GaugeMetricFamily(f"{PREFIX}reconcile_delta", "Differences found last", labels=["scope", "metric"])
    for (scope, metric), amount in figures.deltas.items():
        delta.add_metric([scope, metric], amount)
    yield delta
    reconciled = [run.finished_at for run in status.reconciliations.values() if run.finished_at is not None]
    last = min(reconciled, default=None)
    yield _instant("reconcile_last_success_timestamp_seconds", "Last reconciliation of every scope", last)
    yield _by("export_jobs", "Export jobs by status", "status", figures.jobs)
    pending = figures.oldest_pending_at
    waited = 0.0 if pending is None else (at - pending).total_seconds()
    yield _gauge("export_oldest_pending_seconds", "How long the oldest pending export waits", waited)
    until = status.partitioned_until
    ahead = None if until is None else (until - at).total_seconds()
    yield _gauge("partition_ahead_seconds", "For how long there are partitions", ahead)
    yield _gauge("default_partition_rows", "Facts that found no partition", status.default_rows)
    yield _gauge("unclosed_months", "Months that are over and not closed", figures.unclosed_months)


def _histogram(registry: CollectorRegistry, name: str, text: str) -> Histogram:
    return Histogram(f"{PREFIX}{name}", text, buckets=SECONDS, registry=registry)


def _gauge(name: str, text: str, value: float | None) -> Metric:
    """A gauge; one whose value is unknown has no sample, and an alert on its absence can tell."""
    family = GaugeMetricFamily(f"{PREFIX}{name}", text)
    if value is not None:
        family.add_metric([], value)
    return family


def _instant(name: str, text: str, at: datetime | None) -> Metric:
    return _gauge(name, text, None if at is None else at.timestamp())


def _by(name: str, text: str, label: str, values: Mapping[str, Any]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family

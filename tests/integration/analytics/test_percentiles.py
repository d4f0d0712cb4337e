"""Percentiles of stored histograms against the exact ones, wherever histograms are merged."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aias_core import clock
from aias_core.analytics import sketch
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from support.events import make_event
from support.oracle import day_of, hour_of, month_of

LARGEST = 86_400_000
PERCENTS = (50, 90, 95, 99)
DECLARED = 0.0101
HOURS = 30 * 24

Sample = tuple[int, int, int]  # organization, hours ago, milliseconds

edges = st.integers(0, 914).map(lambda i: min(LARGEST, 101**i // 99**i))
beside_edges = st.builds(lambda edge, step: min(LARGEST, edge + step), edges, st.sampled_from([0, 1]))
extremes = st.sampled_from([0, 1, 2, 8, 9, 58, LARGEST - 1, LARGEST])
tails = st.floats(0, 1, exclude_max=True).map(lambda u: min(LARGEST, int(3 / (1 - u) ** 2)))
values = st.one_of(beside_edges, extremes, tails, st.integers(0, LARGEST))
distributions = st.one_of(
    st.lists(values, min_size=1, max_size=40),
    st.builds(lambda one, many, other: [one] * many + [other], values, st.integers(1, 40), values),
)
samples = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, HOURS), distributions).map(lambda d: [(*d[:2], v) for v in d[2]]),
    min_size=1,
    max_size=5,
).map(lambda parts: [sample for part in parts for sample in part])


def exact_percentile(values: list[int], percent: int) -> int:
    """By nearest rank."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def is_within_declared_error(estimate: float, exact: int) -> bool:
    return abs(estimate - exact) <= DECLARED * exact


class Measured:
    """Durations of requests of organizations of its own, as they are and as they are stored."""

    def __init__(self, store: psycopg.Connection[Any], samples: list[Sample]) -> None:
        self._store, now = store, clock.now().replace(minute=0, second=0, microsecond=0)
        self.orgs = [uuid.uuid4() for _ in range(2)]
        self.events = [
            make_event(
                at=now - timedelta(hours=ago, milliseconds=-number),
                org_id=self.orgs[org],
                duration_ms=value,
                ttft_ms=None,
            )
            for number, (org, ago, value) in enumerate(samples)
        ]
        ingest_lines(store, [usage.encode(event) for event in self.events], "test")
        run_rollup(store)

    def values(self, cut: Callable[[datetime, Any], Any]) -> dict[Any, list[int]]:
        groups: dict[Any, list[int]] = defaultdict(list)
        for event in self.events:
            groups[cut(event.occurred_at, event.org_id)].append(event.duration_ms)
        return groups

    def histograms(self, table: str, cut: Callable[[datetime, Any], Any]) -> dict[Any, dict[int, int]]:
        query = f"SELECT bucket_start, org_id, latency_idx, latency_n FROM aias.{table} WHERE org_id = ANY(%s)"
        groups: dict[Any, list[tuple[list[int], list[int]]]] = defaultdict(list)
        for start, org, buckets, counts in self._store.execute(query.encode(), [self.orgs]):
            groups[cut(start, org)].append((buckets, counts))
        return {key: sketch.merge(parts) for key, parts in groups.items()}


LEVELS: dict[str, tuple[str, Callable[[datetime, Any], Any]]] = {
    "hour": ("usage_hours", lambda at, org: (hour_of(at), org)),
    "day": ("usage_days", lambda at, org: (day_of(at), org)),
    "month": ("usage_days", lambda at, org: (month_of(at), org)),
    "month from hours": ("usage_hours", lambda at, org: (month_of(at), org)),
    "organization": ("usage_days", lambda at, org: org),
    "platform by day": ("usage_hours", lambda at, org: day_of(at)),
    "platform": ("usage_days", lambda at, org: "all"),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples)
def test_percentiles_are_within_the_declared_error_at_every_level(
    store: psycopg.Connection[Any], samples: list[Sample]
) -> None:
    measured = Measured(store, samples)
    for level, (table, cut) in LEVELS.items():
        exact, stored = measured.values(cut), measured.histograms(table, cut)
        assert stored.keys() == exact.keys(), level
        for key, histogram in stored.items():
            for percent in PERCENTS:
                estimate, true = sketch.percentile(histogram, percent), exact_percentile(exact[key], percent)
                assert estimate is not None
                assert is_within_declared_error(estimate, true), (level, percent, estimate, true)


@pytest.mark.parametrize("level", ["day", "organization", "platform"])
def test_the_mean_of_hourly_percentiles_is_wrong_where_merging_is_right(
    store: psycopg.Connection[Any], level: str
) -> None:
    generator, noon = random.Random(7), (clock.now().hour - 12) % 24 + 24
    quiet = [(0, noon, generator.randrange(10, 20)) for _ in range(10)]
    busy = [(0, noon + 1, generator.randrange(900, 1000)) for _ in range(490)]
    measured, (table, cut) = Measured(store, quiet + busy), LEVELS[level]
    [merged], [true] = measured.histograms(table, cut).values(), measured.values(cut).values()
    exact = exact_percentile(true, 95)
    assert is_within_declared_error(sketch.percentile(merged, 95) or 0, exact)
    hourly = [sketch.percentile(hour, 95) or 0 for hour in measured.histograms(*LEVELS["hour"]).values()]
    assert len(hourly) == 2
    assert not is_within_declared_error(sum(hourly) / 2, exact)

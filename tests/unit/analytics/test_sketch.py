import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.analytics.sketch import Tally, bucket_of, merge, percentile, thresholds, value_of

milliseconds = st.integers(min_value=0, max_value=86_400_000)


@given(milliseconds)
def test_a_value_is_known_within_one_percent(value: int) -> None:
    assert value_of(bucket_of(value)) == pytest.approx(value, rel=0.0101, abs=0)


def test_thresholds_are_fixed() -> None:
    assert thresholds()[:4] == (1, 1, 1, 1)
    assert thresholds()[100] == 101**100 // 99**100
    assert len(thresholds()) == 915


@given(st.lists(milliseconds, min_size=1, max_size=200), st.sampled_from([50, 90, 95, 99]), st.integers(1, 7))
def test_a_percentile_of_merged_histograms_is_within_the_declared_error(
    values: list[int], percent: int, parts: int
) -> None:
    histograms = []
    for part in range(parts):
        counts: dict[int, int] = {}
        for value in values[part::parts]:
            counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
        histograms.append((list(counts), list(counts.values())))
    exact = sorted(values)[max(1, -(-len(values) * percent // 100)) - 1]
    assert percentile(merge(histograms), percent) == pytest.approx(exact, rel=0.0101)


def test_averaging_hourly_percentiles_would_be_wrong() -> None:
    generator = random.Random(7)
    quiet, busy = [generator.randrange(10, 20) for _ in range(10)], [generator.randrange(900, 1000) for _ in range(990)]
    hours = [[bucket_of(v) for v in hour] for hour in (quiet, busy)]
    histograms = [(sorted(set(hour)), [hour.count(b) for b in sorted(set(hour))]) for hour in hours]
    merged = percentile(merge(histograms), 95)
    averaged = sum(percentile(merge([h]), 95) or 0 for h in histograms) / 2
    exact = sorted(quiet + busy)[949]
    assert merged == pytest.approx(exact, rel=0.0101)
    assert averaged != pytest.approx(exact, rel=0.4)


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile({}, 95) is None


@given(st.lists(st.lists(milliseconds, max_size=40), max_size=6))
def test_a_tally_equals_merging(parts: list[list[int]]) -> None:
    tally, histograms = Tally(), []
    for part in parts:
        counts = Counter(map(bucket_of, part))
        histograms.append((sorted(counts), [counts[bucket] for bucket in sorted(counts)]))
        tally.add(*histograms[-1])
    merged = merge(histograms)
    count, values = tally.percentiles((50, 90, 95, 99))
    assert count == sum(map(len, parts))
    assert values == {percent: percentile(merged, percent) for percent in (50, 90, 95, 99)}

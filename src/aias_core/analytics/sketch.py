"""A mergeable histogram of milliseconds with a declared relative error of 1 %.

Bucket i holds the values in (γ^(i−1), γ^i] with γ = (1+α)/(1−α), zero has a bucket of its own; a bucket's value is
2γ^i/(γ+1) (DDSketch: Masson, Rim, Lee, VLDB 2019). The thresholds are whole milliseconds, computed in whole numbers, so
every store and language that uses the table agrees bit for bit. Histograms merge by adding counts; percentiles are
never averaged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from operator import add

GAMMA = (101, 99)  # (1 + α) / (1 − α) for α = 1 %, as a fraction
LARGEST_MS = 86_400_000
ZERO_BUCKET = -1


@cache
def thresholds() -> tuple[int, ...]:
    """The largest whole number of milliseconds in each bucket: ⌊γ^i⌋, exactly."""
    ends = [1]
    numerator, denominator = GAMMA
    while ends[-1] < LARGEST_MS:
        ends.append(numerator ** len(ends) // denominator ** len(ends))
    return tuple(ends)


def bucket_of(milliseconds: int) -> int:
    """The bucket of a value in whole milliseconds, 0 to 86,400,000."""
    return bisect_left(thresholds(), milliseconds) if milliseconds else ZERO_BUCKET


def value_of(bucket: int) -> float:
    """The value that stands for a bucket, within 1 % of each value in it."""
    if bucket == ZERO_BUCKET:
        return 0.0
    gamma = GAMMA[0] / GAMMA[1]
    return float(2 * gamma**bucket / (gamma + 1))


def merge(histograms: Iterable[tuple[Sequence[int], Sequence[int]]]) -> dict[int, int]:
    """Counts by bucket of several histograms, each given as its buckets and their counts."""
    total: Counter[int] = Counter()
    for buckets, counts in histograms:
        total.update(dict(zip(buckets, counts, strict=True)))
    return dict(total)


def percentile(histogram: Mapping[int, int], percent: int) -> float | None:
    """The value below or at which `percent` of the counted values lie (nearest rank); None when nothing was counted."""
    count = sum(histogram.values())
    if count == 0:
        return None
    rank = max(1, -(-count * percent // 100))
    for bucket in sorted(histogram):
        rank -= histogram[bucket]
        if rank <= 0:
            return value_of(bucket)
    raise AssertionError("the rank lies beyond the histogram")


class Tally:
    """Histograms to be added up: cheap to collect, summed once when a percentile is asked for."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[tuple[Sequence[int], Sequence[int]]] = []

    def add(self, buckets: Sequence[int], counts: Sequence[int]) -> None:
        """Adds a histogram given as its ascending buckets and their counts."""
        if buckets:
            self._parts.append((buckets, counts))

    def merge(self, other: Tally) -> None:
        """Adds another tally."""
        self._parts += other._parts

    def percentiles(self, percents: Iterable[int]) -> tuple[int, dict[int, float | None]]:
        """How many values were counted, and the percentiles by nearest rank; None when nothing was counted."""
        if not self._parts:
            return 0, dict.fromkeys(percents)
        buckets, counts = self._parts[0] if len(self._parts) == 1 else self._sum()
        ranks = list(accumulate(counts))
        count = ranks[-1]
        return count, {
            percent: value_of(buckets[bisect_left(ranks, max(1, -(-count * percent // 100)))]) if count else None
            for percent in percents
        }

    def settle(self) -> None:
        """Adds up what was collected, so that merging this tally into others costs as much as one histogram."""
        if len(self._parts) > 1:
            self._parts = [self._sum()]

    def _sum(self) -> tuple[Sequence[int], list[int]]:
        lowest = min(buckets[0] for buckets, _ in self._parts)
        highest = max(buckets[-1] for buckets, _ in self._parts)
        total = [0] * (highest - lowest + 1)
        for buckets, counts in self._parts:
            first, last = buckets[0] - lowest, buckets[-1] - lowest + 1
            if last - first == len(buckets):  # no gap: added as a whole
                total[first:last] = map(add, total[first:last], counts)
            else:
                for bucket, count in zip(buckets, counts, strict=True):
                    total[bucket - lowest] += count
        return range(lowest, highest + 1), total

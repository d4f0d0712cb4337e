"""What the rollups and the answers ask of a store. Both stores give the same rows, to the last digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from aias_core.analytics.query.parameters import UsageQuery
    from aias_core.analytics.query.selection import Selection
    from aias_core.analytics.query.sources import Source

LINES_LIMIT = 100_000
Grain = Literal["hour", "day"]
Buckets = Mapping[datetime, Sequence[UUID]]
"""Starts of buckets of one grain, and the organizations that are meant in each."""


class Replaced(NamedTuple):
    """Rows written and removed, and facts read."""

    written: int
    removed: int
    source_rows: int


class RollupStore(Protocol):
    """Where buckets are recomputed; whoever calls holds their locks."""

    buckets_at_once: int

    def replace(self, grain: Grain, buckets: Buckets, run_id: UUID) -> Replaced:
        """Recomputes whole buckets: hours from their facts, days from their hours. No reader sees half of a bucket."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be read for an answer: a checked question, the table that answers it, and the rows in scope."""

    query: UsageQuery
    source: Source
    selection: Selection


class AnswerStore(Protocol):
    """Where the rows of an answer come from. Groups stand as in `query.group_by`; currency only with money."""

    def read_counters(self, reading: Reading) -> Iterable[Sequence[Any]]:
        """Rows of: is a total, start of the bucket, groups, currency, and the counters in the order of `COUNTERS`.

        In a total, bucket and groups mean nothing. Beyond LINES_LIMIT there is at least one row more.
        """
        ...

    def read_histograms(self, reading: Reading) -> Iterable[Sequence[Any]]:
        """Rows of: start of the bucket, groups, currency, latency buckets and counts, those of the first byte.

        There may be several rows for one bucket and group; they add up.
        """
        ...

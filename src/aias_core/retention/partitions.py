"""The monthly partitions of the analytics database: which there are, which are missing, and the end of old ones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from aias_core import clock
from aias_core.database.connection import connect
from aias_core.errors import DifferenceFound, TimedOut
from aias_core.retention.stores import OWNER, act_as, queries
from aias_core.windows import month_of, next_month

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from aias_core.secret import Secret

MONTHS_AHEAD = 3
LOCK_TRIES = 60
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Partition:
    """One month of a table; without a name it is missing."""

    table: str
    partition: str | None
    month: datetime
    bytes: int

    def as_record(self) -> dict[str, Any]:
        return {**asdict(self), "month": f"{self.month:%Y-%m}", "state": "there" if self.partition else "missing"}


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """The months of every partitioned table, and the rows that found none and lie in the default partition."""

    partitions: tuple[Partition, ...]
    default_rows: int

    @property
    def missing(self) -> list[Partition]:
        return [item for item in self.partitions if item.partition is None]

    def list_made(self, before: PartitionReport) -> list[Partition]:
        """What was missing then and is there now."""
        missing = {(item.table, item.month) for item in before.missing}
        return [item for item in self.partitions if item.partition and (item.table, item.month) in missing]

    def as_record(self) -> dict[str, Any]:
        rows = [item.as_record() for item in self.partitions]
        return {"partitions": rows, "missing": len(self.missing), "default_rows": self.default_rows}

    def check(self) -> None:
        """Raises DifferenceFound where a month is missing that is needed, or rows lie in none."""
        for item in self.missing:
            raise DifferenceFound(
                f"'{item.table}' has no partition for {item.month:%Y-%m}",
                hint="make what is missing with: aias db partitions ensure",
            )
        if self.default_rows:
            raise DifferenceFound(
                f"{self.default_rows} facts lie in the default partition: their month was missing when they came",
                hint="move them with: aias db partitions ensure",
            )


def read_partitions(analytics: Connection, now: datetime, ahead: int = MONTHS_AHEAD) -> PartitionReport:
    """Every month from each table's first, or the present one, to `ahead` months from now, missing ones included."""
    found: dict[str, dict[datetime, Partition]] = {
        table: {} for (table,) in analytics.execute(queries["list_partitioned_tables"])
    }
    for table, name, month, size in analytics.execute(queries["list_partitions"]):
        found[table][month] = Partition(table, name, month, size)
    rows = [
        months.get(month, Partition(table, None, month, 0))
        for table, months in sorted(found.items())
        for month in _iter_months(min([*months, month_of(now)]), max([*months, _add_months(now, ahead)]))
    ]
    count = analytics.execute(queries["count_default_rows"]).fetchone()
    return PartitionReport(tuple(rows), count[0] if count else 0)


def ensure_partitions(dsn: Secret, ahead: int = MONTHS_AHEAD) -> tuple[PartitionReport, PartitionReport]:
    """Makes what is missing up to `ahead` months from now and moves rows of the default partition to their months.

    Returns the state before and after; repeatable. Raises TimedOut when the tables are in use all the time.
    """
    now = clock.now()
    with connect(dsn, "database 'analytics'", autocommit=True) as analytics:
        act_as(analytics, OWNER)
        before = read_partitions(analytics, now, ahead)
        if before.default_rows:
            _retry(analytics, "spread_default_rows", {})
        for item in before.missing:
            _retry(analytics, "ensure_partitions", {"start": item.month, "months": 1})
        return before, read_partitions(analytics, now, ahead)


def drop_one(analytics: Connection, as_of: datetime, held: Sequence[UUID]) -> None:
    """Drops the oldest expired partition that holds nothing of `held`; gives way to whoever uses the table meanwhile.

    Raises TimedOut when the table is in use all the time.
    """
    _retry(analytics, "drop_partition", {"as_of": as_of, "held": list(held)})


def _retry(analytics: Connection, query: str, keys: dict[str, Any]) -> None:
    for _ in range(LOCK_TRIES):
        try:
            with analytics.transaction():
                analytics.execute("SET LOCAL lock_timeout = '200ms'")
                analytics.execute(queries[query], keys)
            return
        except psycopg.errors.LockNotAvailable:
            time.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
    raise TimedOut("The partitions are in use all the time", hint="see by whom with: aias db status")


def _iter_months(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first = next_month(first)


def _add_months(at: datetime, months: int) -> datetime:
    at = month_of(at)
    for _ in range(months):
        at = next_month(at)
    return at

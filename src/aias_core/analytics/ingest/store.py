"""Stores usage events exactly once: a receipt per `(event_id, org_id)` decides, whatever the copy's time or partition.

Receipts, facts, dirty hours, dead letters and the batch row commit together; the caller acknowledges afterwards. A
crash before the commit stores nothing and the message comes back; after it, it comes back as duplicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from aias_core import clock, ids, windows
from aias_core.analytics.ingest.batch import Batch, Letter, prepare
from aias_core.analytics.ingest.series import number_series
from aias_core.contracts import usage
from aias_core.contracts.usage import EventRejected, RejectReason
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

LATE_AFTER = timedelta(minutes=15)
PARTITION_MONTHS_BACK = 2
PARTITION_MONTHS_AHEAD = 3

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of the events of one or several batches."""

    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    erased: int = 0

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a batch came from: a name, and the first and last position in it (message or byte)."""

    source: str
    first: int | None = None
    last: int | None = None


def ensure_partitions(connection: Connection, now: datetime, oldest: datetime | None = None) -> int:
    """Makes the monthly partitions from two months back, or from `oldest`, to three ahead; returns how many."""
    first = windows.month_of(now)
    for _ in range(PARTITION_MONTHS_BACK):
        first = windows.month_of(first - timedelta(days=1))
    first = min(first, windows.month_of(oldest or first))
    months = (now.year - first.year) * 12 + now.month - first.month + PARTITION_MONTHS_AHEAD + 1
    row = connection.execute(_queries["ensure_partitions"], [first, months]).fetchone()
    return int(row[0]) if row else 0


def ingest_lines(
    connection: Connection,
    lines: Sequence[bytes],
    origin: str | Origin,
    oldest: timedelta = usage.AGE_LIMIT,
    *,
    adjustments: bool = False,
) -> IngestResult:
    """Stores a batch of events, one JSON object a line, in one transaction. One invalid event costs only itself.

    A batch that the database refuses is halved until the culprit is alone; it becomes a dead letter.
    """
    origin = origin if isinstance(origin, Origin) else Origin(origin)
    return store_batch(connection, prepare(lines, clock.now(), oldest, adjustments=adjustments), origin)


def store_batch(connection: Connection, batch: Batch, origin: Origin) -> IngestResult:
    """Stores a prepared batch: what `ingest_lines` does once the events are checked."""
    batch.numbers = number_series(connection, batch.series)
    with connection.transaction():
        return _store_or_halve(connection, batch, origin)


def _store_or_halve(connection: Connection, batch: Batch, origin: Origin) -> IngestResult:
    try:
        with connection.transaction():
            return _store(connection, batch, origin)
    except (psycopg.DataError, psycopg.IntegrityError) as exc:
        if not batch.rows:
            raise
        if len(batch.rows) == 1:
            refused = EventRejected(RejectReason.BAD_VALUE, str(exc).partition("\n")[0])
            alone = Batch(batch.received_at, letters=[*batch.letters, Letter(batch.lines[0], refused)])
            return _store(connection, alone, origin)
    left, right = batch.halves()
    return _store_or_halve(connection, left, origin) + _store_or_halve(connection, right, origin)


def _store(connection: Connection, batch: Batch, origin: Origin) -> IngestResult:
    facts: dict[str, Any] = {"batch_id": ids.new_id(), "received_at": batch.received_at, "late_after": LATE_AFTER}
    result, conflicts = _insert_facts(connection, batch, facts) if batch.rows else (IngestResult(), [])
    letters = [*batch.letters, *conflicts]
    _insert_letters(connection, letters, {**facts, "source": origin.source})
    result += IngestResult(rejected=len(letters))
    connection.execute(_queries["insert_batch"], {**facts, **asdict(origin), **asdict(result)})
    return result


def _insert_facts(connection: Connection, batch: Batch, facts: dict[str, Any]) -> tuple[IngestResult, list[Letter]]:
    connection.execute(_queries["create_staging"])
    with connection.cursor().copy(_queries["copy_staging"]) as copy:
        copy.write(batch.render())
    [erased] = connection.execute(_queries["drop_erased"]).fetchone() or (0,)
    conflicts: list[Letter] = []
    if _insert_receipts(connection, facts) < len(batch.rows) - erased:
        conflicts = [_conflict(batch.lines[row[0]]) for row in connection.execute(_queries["list_conflicts"])]
        connection.execute(_queries["drop_known"], facts)
    accepted = connection.execute(_queries["insert_facts"], facts).rowcount
    late = connection.execute(_queries["insert_dirty_hours"], facts).fetchone() or (0,)
    connection.execute(_queries["empty_staging"])
    duplicate = len(batch.rows) - erased - accepted - len(conflicts)
    return IngestResult(accepted, duplicate, int(late[0]), erased=erased), conflicts


def _insert_receipts(connection: Connection, facts: dict[str, Any]) -> int:
    """How many events are new. Nearly always all are, and looking for each first costs as much again."""
    try:
        with connection.transaction():
            return connection.execute(_queries["insert_receipts"], facts).rowcount
    except psycopg.errors.UniqueViolation:
        return connection.execute(f"{_queries['insert_receipts']} {_queries['unless_known']}", facts).rowcount


def _conflict(line: bytes) -> Letter:
    return Letter(
        line, EventRejected(RejectReason.CONFLICT, "differs from the stored event of the same id", "event_id")
    )


def _insert_letters(connection: Connection, letters: Sequence[Letter], facts: dict[str, Any]) -> None:
    if not letters:
        return
    rows = [{**facts, "letter_id": ids.new_id(), **letter.as_record()} for letter in letters]
    with connection.cursor() as cursor:
        cursor.executemany(_queries["insert_dead_letter"], rows)

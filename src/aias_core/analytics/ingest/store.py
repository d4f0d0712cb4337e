"""Stores usage events exactly once: a receipt per `(event_id, org_id)` decides, whatever the copy's time or partition.

Receipts, facts, dirty hours, dead letters and the batch row commit together; the caller acknowledges afterwards. A
crash before the commit stores nothing and the message comes back; after it, it comes back as duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from aias_core import clock, ids, windows
from aias_core.analytics import sketch
from aias_core.contracts import usage
from aias_core.contracts.usage import EventRejected, RejectReason, UsageEvent
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

LATE_AFTER = timedelta(minutes=15)
PARTITION_MONTHS_BACK = 2
PARTITION_MONTHS = PARTITION_MONTHS_BACK + 4

_queries = load_queries(__file__)
_NOT_STORED = {"schema", "kind", "labels"}
_FACT_COLUMNS = [name for name in UsageEvent.__struct_fields__ if name not in _NOT_STORED]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of the events of one or several batches."""

    accepted: int
    duplicate: int
    late: int
    rejected: int

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class _Letter:
    payload: bytes
    rejection: EventRejected


def ensure_partitions(connection: Connection, now: datetime) -> int:
    """Makes the monthly partitions from two months back to three ahead where they are missing; returns how many."""
    first = windows.month_of(now)
    for _ in range(PARTITION_MONTHS_BACK):
        first = windows.month_of(first - timedelta(days=1))
    row = connection.execute(_queries["ensure_partitions"], [first, PARTITION_MONTHS]).fetchone()
    return int(row[0]) if row else 0


def ingest_lines(connection: Connection, lines: Sequence[bytes], source: str) -> IngestResult:
    """Stores a batch of events, one JSON object a line, in one transaction. One invalid event costs only itself.

    A batch that the database refuses is halved until the culprit is alone; it becomes a dead letter.
    """
    received_at = clock.now()
    events, letters = _decode(lines, received_at)
    try:
        return _store(connection, events, letters, source, received_at)
    except (psycopg.DataError, psycopg.IntegrityError) as exc:
        if len(events) == 1:
            refused = EventRejected(RejectReason.BAD_VALUE, str(exc).partition("\n")[0])
            return _store(connection, [], [*letters, _Letter(usage.encode(events[0]), refused)], source, received_at)
    middle = len(lines) // 2
    return ingest_lines(connection, lines[:middle], source) + ingest_lines(connection, lines[middle:], source)


def _store(
    connection: Connection, events: Sequence[UsageEvent], letters: list[_Letter], source: str, received_at: datetime
) -> IngestResult:
    batch_id = ids.new_id()
    with connection.transaction():
        accepted, late = _insert_facts(connection, events, received_at, batch_id)
        conflicts = {row[0] for row in connection.execute(_queries["list_conflicts"])}
        letters = letters + [_conflict(events[ordinal]) for ordinal in sorted(conflicts)]
        _insert_letters(connection, letters, source, received_at, batch_id)
        duplicate = len(events) - accepted - len(conflicts)
        result = IngestResult(accepted, duplicate, late, len(letters))
        connection.execute(_queries["insert_batch"], {"batch_id": batch_id, "source": source, **asdict(result)})
    return result


def _decode(lines: Sequence[bytes], received_at: datetime) -> tuple[list[UsageEvent], list[_Letter]]:
    events: list[UsageEvent] = []
    letters: list[_Letter] = []
    for line in filter(None, map(bytes.strip, lines)):
        try:
            events.append(usage.decode(line, received_at))
        except EventRejected as rejection:
            letters.append(_Letter(line, rejection))
    return events, letters


def _insert_facts(
    connection: Connection, events: Sequence[UsageEvent], received_at: datetime, batch_id: UUID
) -> tuple[int, int]:
    connection.execute(_queries["create_staging"])
    with connection.cursor().copy("COPY staged_facts FROM STDIN") as copy:
        for ordinal, event in enumerate(events):
            copy.write_row(_staged_row(ordinal, event, received_at, batch_id))
    return connection.execute(_queries["insert_fresh_facts"]).fetchone() or (0, 0)


def _staged_row(ordinal: int, event: UsageEvent, received_at: datetime, batch_id: UUID) -> list[Any]:
    from psycopg.types.json import Jsonb

    digest = int.from_bytes(hashlib.sha256(usage.encode(event)).digest()[:8], signed=True)
    ttft_bucket = None if event.ttft_ms is None else sketch.bucket_of(event.ttft_ms)
    return [
        ordinal,
        digest,
        *(getattr(event, column) for column in _FACT_COLUMNS),
        Jsonb(event.labels),
        sketch.bucket_of(event.duration_ms),
        ttft_bucket,
        received_at,
        batch_id,
        received_at - event.occurred_at > LATE_AFTER,
    ]


def _conflict(event: UsageEvent) -> _Letter:
    rejection = EventRejected(RejectReason.CONFLICT, "differs from the stored event of the same id", "event_id")
    return _Letter(usage.encode(event), rejection)


def _insert_letters(
    connection: Connection, letters: Sequence[_Letter], source: str, received_at: datetime, batch_id: UUID
) -> None:
    rows = [
        (ids.new_id(), str(r.reason), r.field, r.detail, payload, source, received_at, batch_id)
        for payload, r in ((letter.payload, letter.rejection) for letter in letters)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_queries["insert_dead_letter"], rows)

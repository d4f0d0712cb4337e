"""Appending to a chain of audit records, and recomputing one.

A record's hash is SHA-256(hash of the record before ‖ the record as canonical JSON, RFC 8785); a chain begins with the
hash of its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from aias_core import clock
from aias_core.database.queries import load_queries
from aias_core.database.rows import plain

if TYPE_CHECKING:
    from psycopg import Connection

PLATFORM = "platform"

queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what to what, when, why, and how it ended. Personal data has no place in `details`."""

    audit_id: UUID
    occurred_at: datetime
    actor_type: Literal["user", "service_account", "service", "cli", "migration", "system"]
    actor_id: str
    action: str
    outcome: Literal["succeeded", "failed", "allowed", "denied"]
    target_type: str | None = None
    target_id: str | None = None
    org_id: UUID | None = None
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A record that does not follow from the one before it, or whose content is not what was hashed."""

    chain: str
    seq: int
    fault: str


def append_record(connection: Connection, record: AuditRecord, chain: str = PLATFORM) -> bool:
    """Appends a record in the open transaction or one of its own; False when the chain has it already."""
    with connection.transaction():
        if connection.execute(queries["find_record"], [record.audit_id]).fetchone():
            return False
        head = connection.execute(queries["lock_head"], [chain]).fetchone()
        seq, previous = (head[0] + 1, bytes(head[1])) if head else (1, hashlib.sha256(chain.encode()).digest())
        content = {**{item.name: getattr(record, item.name) for item in fields(record)}, "recorded_at": clock.now()}
        row = {**content, "chain": chain, "seq": seq, "details": json.dumps(record.details, sort_keys=True)}
        digest = hash_record(previous, {"chain": chain, "seq": seq, **content})
        connection.execute(queries["insert_record"], {**row, "prev_hash": previous, "hash": digest})
    return True


def hash_record(previous: bytes, content: dict[str, Any]) -> bytes:
    """The link of a record: over the one before and all its content, times to the microsecond."""
    text = json.dumps(
        {key: plain(value) for key, value in content.items()},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(previous + text.encode()).digest()


def verify_chain(connection: Connection, chain: str = PLATFORM) -> tuple[int, list[BrokenLink]]:
    """How many records the chain holds and what is wrong with it: altered, missing, reordered or cut off."""
    head = connection.execute(queries["read_head"], [chain]).fetchone()
    if head is None:
        return 0, []
    last_seq, last_hash, seq, previous = head[0], bytes(head[1]), head[2], bytes(head[3])
    faults: list[BrokenLink] = []
    count = 0
    for row in _iter_records(connection, chain):
        count += 1
        stated, digest = bytes(row.pop("prev_hash")), bytes(row.pop("hash"))
        if row["seq"] != seq + 1:
            faults.append(BrokenLink(chain, row["seq"], f"follows record {seq}"))
        elif stated != previous:
            faults.append(BrokenLink(chain, row["seq"], "does not follow from the record before it"))
        if hash_record(stated, row) != digest:
            faults.append(BrokenLink(chain, row["seq"], "was altered"))
        seq, previous = row["seq"], digest
    if (seq, previous) != (last_seq, last_hash):
        faults.append(BrokenLink(chain, last_seq, f"is the last one by the head, {seq} by the records"))
    return count, faults


def _iter_records(connection: Connection, chain: str) -> Iterator[dict[str, Any]]:
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        yield from cursor.stream(queries["list_records"], [chain])

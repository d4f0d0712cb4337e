"""Identifiers: UUID version 7 (RFC 9562), ordered by the millisecond they were made in."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime


def new_id() -> uuid.UUID:
    """A fresh UUIDv7; those of one process rise."""
    import uuid_utils.compat

    made: uuid.UUID = uuid_utils.compat.uuid7()
    return made


def instant_of(identifier: uuid.UUID) -> datetime:
    """The millisecond inside a UUIDv7, as an aware UTC instant."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def derive_id(at: datetime, seed: bytes) -> uuid.UUID:
    """The UUIDv7 of an instant and a seed: the same for the same two, another one for any other."""
    digest = int.from_bytes(hashlib.sha256(seed).digest()[:10])
    value = int(at.timestamp() * 1000) << 80 | digest
    return uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)


def lowest_id_at(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7-ordered value of an instant: a bound for range partitions and scans."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)

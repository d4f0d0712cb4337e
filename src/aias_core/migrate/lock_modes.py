"""Lock modes of PostgreSQL, weakest first, and the values that say what a statement does to others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

LockClass = Literal["short_lock", "concurrent_build", "scan", "batch", "strong_scan"]
Risk = Literal["safe", "locking", "destructive"]

MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
ROW_X, SHARE_UPDATE_X, SHARE, SHARE_ROW_X, EXCLUSIVE, ACCESS_X = MODES[2:]
BLOCKING_MODES = frozenset({SHARE, SHARE_ROW_X, EXCLUSIVE, ACCESS_X})


@dataclass(frozen=True, slots=True)
class RelationLock:
    """The strongest lock on one relation, and whether its rows are copied or read while it is held."""

    relation: str
    mode: str
    rewrites: bool = False
    scans: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What a statement does to relations that were there before; ROW SHARE and weaker locks are not listed."""

    lock_class: LockClass
    risk: Risk
    relations: tuple[RelationLock, ...]
    transactional: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind of statement does, whoever made the relations; without a class, the locks decide it."""

    locks: list[RelationLock] = field(default_factory=list)
    lock_class: LockClass | None = None
    transactional: bool = True
    destroys: bool = False


def merge_locks(locks: Iterable[RelationLock]) -> tuple[RelationLock, ...]:
    """One lock per relation: the strongest, with the work of all."""
    merged: dict[str, RelationLock] = {}
    for lock in locks:
        known = merged.get(lock.relation, lock)
        mode = max(known.mode, lock.mode, key=MODES.index)
        rewrites, scans = known.rewrites or lock.rewrites, known.scans or lock.scans
        merged[lock.relation] = RelationLock(lock.relation, mode, rewrites, scans)
    return tuple(merged.values())

"""Time-outs by class of statement: one value for all either stalls everybody or kills concurrent builds.

See https://www.postgresql.org/docs/current/runtime-config-client.html for the two settings; 0 is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from aias_core.migrate.lock_modes import BLOCKING_MODES
from aias_core.migrate.plan import PlannedStatement, Step

LOCK_MS = 200
SHORT_MS = 5_000
BATCH_LOCK_MS = 1_000
STALL_MS = 250


@dataclass(frozen=True, slots=True)
class Limits:
    """Milliseconds a statement may wait for a lock, and may take in all."""

    lock_ms: int
    statement_ms: int


def limits_of(step: Step, planned: PlannedStatement) -> Limits:
    """The limits of one statement; what touches only relations of its own file may take the file's `max_duration`."""
    longest = round(step.directives.max_duration * 1000)
    declared = step.directives.lock_timeout
    lock = LOCK_MS if declared is None else round(declared * 1000)
    match planned.work.lock_class:
        case "concurrent_build":
            return Limits(0, longest)
        case "scan":
            return Limits(lock, longest)
        case "batch":
            return Limits(max(lock, BATCH_LOCK_MS), SHORT_MS if planned.work.relations else longest)
        case _:
            return Limits(lock, lock + SHORT_MS if planned.work.relations else longest)


def blocks_others(planned: PlannedStatement) -> bool:
    """Whether writers or readers of a relation that was there before must wait until the transaction ends."""
    return any(r.mode.upper() in BLOCKING_MODES for r in planned.work.relations)

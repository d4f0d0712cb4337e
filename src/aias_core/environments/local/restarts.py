"""When a component that has ended is started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_DELAY_SECONDS = 30.0
CRASH_EXITS = 5
CRASH_WINDOW_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Exit:
    """When a process ended, on a monotonic clock, and how long it had run; both in seconds."""

    at: float
    ran_seconds: float


def find_restart_delay(exits: Sequence[Exit]) -> float | None:
    """Seconds until the next start after the last of these exits, oldest first; None when it must stay down.

    Delays double from one second; a run as long as the crash window starts the count afresh.
    """
    last = exits[-1].at
    if sum(last - exit_.at <= CRASH_WINDOW_SECONDS for exit_ in exits) >= CRASH_EXITS:
        return None
    in_a_row = 0
    for exit_ in reversed(exits):
        in_a_row += 1
        if exit_.ran_seconds >= CRASH_WINDOW_SECONDS:
            break
    return min(2.0 ** (in_a_row - 1), LONGEST_DELAY_SECONDS)

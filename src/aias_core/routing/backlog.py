"""The settled events that are not published yet: how many there are, and how far back they reach."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from aias_core.contracts.usage import UsageEvent

RUN_EVENTS = 4096


@dataclass(slots=True)
class _Run:
    """Some events in a row: how many are left, the earliest end and the earliest admission of all of them."""

    left: int
    ended_at: datetime
    admitted_at: datetime


class Backlog:
    """Counts events in order and out in order. Ages are kept by runs of events, so memory stays small.

    An age may be that of an event that was published a moment ago, never younger than the oldest one that waits.
    """

    def __init__(self) -> None:
        self.count = 0
        self._runs: deque[_Run] = deque()

    def add(self, event: UsageEvent) -> None:
        """An event was settled."""
        ended_at = end_of(event)
        self.count += 1
        if not self._runs or self._runs[-1].left >= RUN_EVENTS:
            self._runs.append(_Run(1, ended_at, event.occurred_at))
            return
        run = self._runs[-1]
        run.left += 1
        run.ended_at = min(run.ended_at, ended_at)
        run.admitted_at = min(run.admitted_at, event.occurred_at)

    def remove(self, count: int) -> None:
        """The oldest `count` events were published."""
        self.count -= count
        while count:
            taken = min(count, self._runs[0].left)
            self._runs[0].left -= taken
            count -= taken
            if not self._runs[0].left:
                self._runs.popleft()

    @property
    def oldest_ended_at(self) -> datetime | None:
        """When the first of them ended; None when there are none."""
        return min((run.ended_at for run in self._runs), default=None)

    @property
    def oldest_admitted_at(self) -> datetime | None:
        """When the first of them was admitted; None when there are none."""
        return min((run.admitted_at for run in self._runs), default=None)


def end_of(event: UsageEvent) -> datetime:
    """When a request ended, by its event."""
    return event.occurred_at + timedelta(milliseconds=event.duration_ms)

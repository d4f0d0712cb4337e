"""States that follow one another by time alone: nothing runs in between, so a restart changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Phases = Sequence[tuple[str, float]]
Timeline = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held back of something new: all of it, or the last nodes of its last pool, which never become ready
    or never come; for so many seconds, or until it is released.
    """

    whole: bool = False
    unready: int = 0
    missing: int = 0
    seconds: float | None = None


FREE = Hold()


def build_timeline(phases: Phases, now: float, pace: float) -> Timeline:
    """When each state begins. A phase is a state and its length in seconds; the last one stays."""
    timeline, at = [], now
    for status, seconds in phases:
        timeline.append((status, at))
        at += seconds * pace
    return timeline


def delay(timeline: Timeline, seconds: float | None) -> Timeline:
    """The same states, the first so much longer; without an end when there are no seconds."""
    return [*timeline[:1], *((status, at + seconds) for status, at in timeline[1:] if seconds is not None)]


def status_at(timeline: Timeline, now: float) -> str:
    """The state at an instant; empty for what has none."""
    return next((status for status, at in reversed(timeline) if at <= now), "")


def settled_at(timeline: Timeline) -> float:
    """When the last state begins."""
    return timeline[-1][1] if timeline else 0.0

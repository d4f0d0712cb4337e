"""States that follow one another by time alone: nothing runs in between, so a restart changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

Phases = Sequence[tuple[str, float]]
Timeline = list[tuple[str, float]]


def build_timeline(phases: Phases, now: float, pace: float) -> Timeline:
    """When each state begins. A phase is a state and its length in seconds; the last one stays."""
    timeline, at = [], now
    for status, seconds in phases:
        timeline.append((status, at))
        at += seconds * pace
    return timeline


def status_at(timeline: Timeline, now: float) -> str:
    """The state at an instant; empty for what has none."""
    return next((status for status, at in reversed(timeline) if at <= now), "")


def settled_at(timeline: Timeline) -> float:
    """When the last state begins."""
    return timeline[-1][1] if timeline else 0.0

from __future__ import annotations

import pytest

from aias_core.environments.local.restarts import Exit, find_restart_delay


def exits(*runs: float, gap: float = 1.0) -> list[Exit]:
    found, now = [], 0.0
    for ran in runs:
        now += gap + ran
        found.append(Exit(now, ran))
    return found


@pytest.mark.parametrize(
    ("runs", "delay"),
    [
        ([0.1], 1),
        ([0.1, 0.1], 2),
        ([0.1, 0.1, 0.1], 4),
        ([0.1, 0.1, 0.1, 0.1], 8),
        ([0.1] * 5, None),
        ([50.0] * 7, 30),
        ([0.1, 0.1, 0.1, 500.0], 1),
        ([0.1, 0.1, 500.0, 0.1], 2),
    ],
    ids=["first", "second", "third", "fourth", "five at once", "slow failures", "after a long run", "and once more"],
)
def test_delay_follows_the_exits(runs: list[float], delay: float | None) -> None:
    assert find_restart_delay(exits(*runs)) == delay


def test_five_exits_just_over_two_minutes_apart_are_no_crash() -> None:
    spread = [Exit(at, 0.1) for at in (0, 40, 80, 120, 121)]
    assert find_restart_delay(spread) == 16

from __future__ import annotations

import pytest

from aias_core.environments.linode.pacing import Pace, Timing, classify


def _ignore(_seconds: float, _why: str) -> None:
    pass


@pytest.mark.parametrize(
    ("kind", "ceilings"),
    [
        ("lists", [(200, 60)]),
        ("others", [(1_600, 60)]),
        ("instances", [(20, 15)]),
        ("volumes", [(100, 60)]),
        ("object storage", [(5, 1), (60, 60)]),
    ],
)
def test_a_storm_stays_below_each_ceiling_by_the_clock_alone(kind: str, ceilings: list[tuple[int, int]]) -> None:
    at, sent = [0.0], []

    def sleep(seconds: float) -> None:
        at[0] += seconds

    pace = Pace(Timing(lambda: at[0], sleep), _ignore)
    for _ in range(3_000):
        pace.wait_for_turn(kind)
        sent.append(at[0])
    for calls, seconds in ceilings:
        most = max(sum(1 for one in sent[i : i + calls + 1] if one < sent[i] + seconds) for i in range(len(sent)))
        assert most <= calls * 0.9


def test_a_first_handful_of_calls_waits_for_nothing() -> None:
    pauses: list[float] = []
    pace = Pace(Timing(lambda: 1_000.0, pauses.append), _ignore)
    for _ in range(80):
        pace.wait_for_turn("lists")
    assert pauses == []


def test_nothing_is_sent_before_the_reset_that_an_answer_told() -> None:
    pauses: list[float] = []
    pace = Pace(Timing(lambda: 1_000.0, pauses.append), _ignore)
    pace.learn("lists", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"})
    pace.wait_for_turn("lists")
    pace.wait_for_turn("others")
    assert pauses == [60]


@pytest.mark.parametrize(
    ("method", "path", "is_list", "kind"),
    [
        ("GET", "/vpcs", True, "lists"),
        ("GET", "/vpcs/1", False, "others"),
        ("POST", "/linode/instances", False, "instances"),
        ("POST", "/linode/instances/1/reboot", False, "others"),
        ("POST", "/volumes", False, "volumes"),
        ("POST", "/object-storage/buckets", False, "object storage"),
        ("DELETE", "/object-storage/keys/1", False, "object storage"),
        ("GET", "/object-storage/keys", True, "lists"),
    ],
)
def test_each_call_counts_against_its_ceiling(method: str, path: str, is_list: bool, kind: str) -> None:
    assert classify(method, path, is_list=is_list) == kind

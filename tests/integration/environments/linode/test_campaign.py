"""For up and down: every call of a run fails in every way, and the same command then goes on until it is done.

AIAS_TEST_CAMPAIGN=all runs every call with every kind; the normal suite takes a sample that is spread over both.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import kubernetes_validate.utils
import pytest

from support.campaign import Account, Call
from support.fault_kinds import SIMULATED, WAYS, list_ways
from support.near import near_clusters

SAMPLE, PARTS, LOOKS = 150, 30, 3
# What a command may end with before it is run again: unreachable or no token, taken, no room, run again.
BILLED = ["database", "linode", "linode", "object_storage"]
KNOWN = {0, 3, 5, 8, 9}
Case = tuple[str, Call]


@dataclass(frozen=True)
class Done:
    """What there is after a command that nothing disturbed: its calls, the account, the state."""

    calls: list[Call]
    billed: list[str]
    resources: list[str]
    known: list[str]


@dataclass(frozen=True)
class Campaign:
    """What fails in which run, a call of an up and one of the down after it; and what is right after each."""

    pairs: list[tuple[Case, Case]]
    done: dict[str, Done]


@pytest.fixture(scope="module", autouse=True)
def quick(shared: Account) -> Iterator[None]:
    """No crash of this machine is part of the campaign, its clusters are in this process, and a schema is read once."""
    with pytest.MonkeyPatch.context() as patch, near_clusters(shared.near):
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
        yield


@pytest.fixture(scope="module")
def campaign(shared: Account) -> Campaign:
    shared.begin(0)
    done = {"up": _run_undisturbed(shared, "up", BILLED), "down": _run_undisturbed(shared, "down", BILLED[-1:])}
    ups, downs = (_list_cases(one.calls) for one in done.values())
    number = max(len(ups), len(downs)) if os.environ.get("AIAS_TEST_CAMPAIGN") == "all" else SAMPLE
    return Campaign(list(zip(_choose(ups, number), _choose(downs, number), strict=True)), done)


def _run_undisturbed(account: Account, command: str, billed: list[str]) -> Done:
    account.act(command)
    return Done(account.calls(), billed, account.list_resources(), account.list_known())


def _list_cases(calls: list[Call]) -> list[Case]:
    """Each call with each way of failing that means something there."""
    return [(way, call) for call in calls for way in list_ways(*call[:2])]


def _choose(cases: list[Case], number: int) -> list[Case]:
    """So many of them, the same ones each time; all again and again where there are not as many.

    Of the way that was taken least often, each time the call that was.
    """
    if number >= len(cases):
        return [cases[at % len(cases)] for at in range(number)]
    left, taken, chosen = list(cases), Counter[object](), list[Case]()
    random.Random(5).shuffle(left)
    for _ in range(number):
        one = min(left, key=lambda case: (taken[case[0]], taken[case[1]]))
        left.remove(one)
        taken.update(one)
        chosen.append(one)
    return chosen


def test_every_fault_of_the_simulator_is_part_of_it() -> None:
    assert {way.rule["kind"] for way in WAYS.values()} == SIMULATED


def test_a_sample_has_every_call_and_every_way(campaign: Campaign) -> None:
    for at, done in enumerate(campaign.done.values()):
        cases = [pair[at] for pair in campaign.pairs]
        assert {way for way, _ in cases} == {way for way, _ in _list_cases(done.calls)}
        assert {call for _, call in cases} == set(done.calls)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_fault_at_any_call_bills_twice_or_leaves_anything(
    shared: Account, campaign: Campaign, part: int, record_property: Callable[[str, object], None]
) -> None:
    pairs = campaign.pairs[part::PARTS]
    broken = [fault for at, pair in enumerate(pairs, 1) for fault in _run_case(shared, campaign, at, pair)]
    record_property("faulted", 2 * len(pairs))
    assert "\n".join(broken) == ""


def _run_case(account: Account, campaign: Campaign, at: int, pair: tuple[Case, Case]) -> Iterator[str]:
    account.begin(at)
    for command, (way, call) in zip(campaign.done, pair, strict=True):
        account.control("DELETE", "calls")
        account.fail(call, way)
        try:
            codes = account.act(command).codes
            faults = list(_find_faults(account, command, campaign.done[command], codes, looks=at % LOOKS == 0))
        except Exception as exc:
            yield f"{command} with {way} at {call}: {type(exc).__name__}: {exc}"
            return
        finally:
            account.control("DELETE", "faults")
        yield from (f"{command} with {way} at {call}: {fault}" for fault in faults)


def _find_faults(account: Account, command: str, wanted: Done, codes: list[int], *, looks: bool) -> Iterator[str]:
    ledger = account.ledger()
    billed = sorted(one["kind"] for one in ledger["billed_now"])
    if not set(codes) <= KNOWN:
        yield f"it ended with {codes}"
    if ledger["billed_twice"]:
        yield f"billed twice: {ledger['billed_twice']}"
    if billed != wanted.billed:
        yield f"billed now: {billed}"
    if (resources := account.list_resources()) != wanted.resources:
        yield f"in the account: {_compare(resources, wanted.resources)}"
    if (known := account.list_known()) != wanted.known:
        yield f"in the state: {_compare(known, wanted.known)}"
    if command == "up" and looks and (rows := account.environment().survey().plan.rows()):
        yield f"not converged: {rows}"


def _compare(found: list[str], wanted: list[str]) -> str:
    found_ones, wanted_ones = Counter(found), Counter(wanted)
    more, less = sorted((found_ones - wanted_ones).elements()), sorted((wanted_ones - found_ones).elements())
    return f"{more} too many, {less} missing"

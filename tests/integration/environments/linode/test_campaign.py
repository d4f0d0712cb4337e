"""For up and down: every call of a run fails in every way, and the same command then goes on until it is done.

AIAS_TEST_CAMPAIGN=all runs every call with every kind; the normal suite takes a sample that is spread over both.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest

from support.campaign import KINDS, Account

SAMPLE, PARTS, LOOKS = 150, 30, 3
# What a command may end with before it is run again: unreachable or no token, taken, no room, run again.
BILLED = ["database", "linode", "linode", "object_storage"]
KNOWN = {0, 3, 5, 8, 9}
Case = tuple[str, tuple[str, str, int]]


@pytest.fixture(scope="module")
def cases(shared: Account) -> list[tuple[Case, Case]]:
    """What fails in which run: a call of an up, and one of the down after it."""
    ups, downs = _list_cases(shared)
    number = max(len(ups), len(downs)) if os.environ.get("AIAS_TEST_CAMPAIGN") == "all" else SAMPLE
    return list(zip(_choose(ups, number), _choose(downs, number), strict=True))


def _list_cases(account: Account) -> tuple[list[Case], list[Case]]:
    account.begin(0)
    account.up()
    ups = account.calls()
    account.down()
    return _combine(ups), _combine(account.calls())


def _combine(calls: list[tuple[str, str, int]]) -> list[Case]:
    """Each call with each kind; limits are refused where something is made."""
    return [(kind, call) for call in calls for kind in KINDS if kind != "400" or call[0] == "POST"]


def _choose(cases: list[Case], number: int) -> list[Case]:
    """So many of them, in order and the same ones each time; all again and again where there are not as many."""
    if number >= len(cases):
        return [cases[at % len(cases)] for at in range(number)]
    return [cases[at] for at in sorted(random.Random(5).sample(range(len(cases)), number))]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_fault_at_any_call_bills_twice_or_leaves_anything(
    shared: Account, cases: list[tuple[Case, Case]], part: int, record_property: Callable[[str, object], None]
) -> None:
    pairs = cases[part::PARTS]
    broken = [fault for at, pair in enumerate(pairs, 1) for fault in _run_case(shared, at, *pair)]
    record_property("faulted", 2 * len(pairs))
    assert "\n".join(broken) == ""


def _run_case(account: Account, at: int, up: Case, down: Case) -> Iterator[str]:
    account.begin(at)
    for command, (kind, call), act in (("up", up, account.up), ("down", down, account.down)):
        account.control("DELETE", "calls")
        account.fail(call, kind)
        try:
            codes = act().codes
        except Exception as exc:
            yield f"{command} with {kind} at {call}: {type(exc).__name__}: {exc}"
            return
        finally:
            account.control("DELETE", "faults")
        faults = list(_find_faults(account, command, codes, looks=at % LOOKS == 0))
        yield from (f"{command} with {kind} at {call}: {fault}" for fault in faults)


def _find_faults(account: Account, command: str, codes: list[int], *, looks: bool) -> Iterator[str]:
    ledger = account.ledger()
    billed = [one["kind"] for one in ledger["billed_now"]]
    if not set(codes) <= KNOWN:
        yield f"it ended with {codes}"
    if ledger["billed_twice"]:
        yield f"billed twice: {ledger['billed_twice']}"
    if sorted(billed) != (BILLED if command == "up" else ["object_storage"]):
        yield f"billed now: {billed}"
    if command == "up" and looks and (rows := account.environment().survey().plan.rows()):
        yield f"not converged: {rows}"

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.finance.export import cents
from aias_core.finance.export.cents import allot_cents
from aias_core.finance.export.records import record_type
from aias_core.money import CENT, PICO

ORGS = [bytes([n]) * 16 for n in (1, 2, 3)]
AMOUNT = st.one_of(st.integers(-(10**14), 10**14), st.sampled_from([0, CENT // 2, -CENT // 2, CENT // 3, 3 * CENT]))
HUGE = st.integers(-(10**24), 10**24)


def allot_by_the_book(amounts: list[int]) -> list[int]:
    """Largest remainder as one writes it down: round down, then one cent more for the largest remainders in order."""
    cents = [amount // CENT for amount in amounts]
    left = round(Fraction(sum(amounts), CENT)) - sum(cents)
    by_remainder = sorted(range(len(amounts)), key=lambda index: (-(amounts[index] % CENT), index))
    return [cent + (index in by_remainder[:left]) for index, cent in enumerate(cents)]


def records_of(lines: list[tuple[int, int]], currency: int = 1) -> np.ndarray:
    records = np.zeros(len(lines), record_type())
    for record, (org, amount) in zip(records, sorted(lines, key=lambda line: line[0]), strict=True):
        record["org_id"], record["currency"] = ORGS[org], currency
        sign = -1 if amount < 0 else 1
        record["cost_units"], record["cost_rest"] = sign * (abs(amount) // PICO), sign * (abs(amount) % PICO)
        if abs(amount) < 2**61:
            record["cost_units"], record["cost_rest"] = 0, amount
    return records


def check(lines: list[tuple[int, int]], cut: int) -> None:
    records = records_of(lines)
    blocks = [records[start : start + cut] for start in range(0, len(records), cut)]
    found = [int(cent) for _, some in allot_cents(blocks) for cent in some]
    expected = []
    for org in range(len(ORGS)):
        own = [amount for line, amount in sorted(lines, key=lambda line: line[0]) if line == org]
        expected += allot_by_the_book(own)
    assert found == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), AMOUNT), min_size=1, max_size=40), st.integers(1, 40))
def test_cents_add_up_to_the_total_of_each_organization_wherever_the_blocks_are_cut(
    lines: list[tuple[int, int]], cut: int
) -> None:
    check(lines, cut)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), HUGE), min_size=1, max_size=20), st.integers(1, 20))
def test_amounts_beyond_64_bits_stay_exact(lines: list[tuple[int, int]], cut: int) -> None:
    check(lines, cut)


def test_an_organization_with_more_lines_than_fit_waits_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cents, "_ROWS_IN_MEMORY", 7)
    check([(line % 3, 123_456_789_012 * line) for line in range(100)], 5)


def test_currencies_of_one_organization_are_rounded_apart() -> None:
    records = records_of([(0, CENT // 2 + 1)] * 4)
    records["currency"] = [1, 2, 1, 2]
    (_, found), *_ = allot_cents([records])
    assert found.tolist() == [1, 1, 0, 0]

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.finance.export.lines import to_decimals
from aias_core.finance.export.text import csv_lines, json_lines, neutralise, restore

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ROW = st.tuples(st.none() | WORD, st.integers(-(2**63), 2**63 - 1), st.integers(-(10**20), 10**20))


def batch_of(rows: list[tuple[str | None, int, int]]) -> pa.RecordBatch:
    words, counts, amounts = zip(*rows, strict=True)
    text = pa.array(words, pa.string()).dictionary_encode()
    exact = np.array(amounts, object if max(map(abs, amounts)) >= 2**63 else np.int64)
    return pa.record_batch([text, pa.array(counts, pa.int64()), to_decimals(exact, 12)], ["text", "count", "amount"])


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8))
def test_a_csv_reader_finds_every_cell_again(rows: list[tuple[str | None, int, int]]) -> None:
    read = list(csv.reader(io.StringIO(bytes(csv_lines(batch_of(rows))).decode(), newline="")))
    assert [(restore(text), int(count), Decimal(amount)) for text, count, amount in read] == [
        (text or "", count, Decimal(amount).scaleb(-12)) for text, count, amount in rows
    ]


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8))
def test_json_lines_keep_every_value(rows: list[tuple[str | None, int, int]]) -> None:
    read = [json.loads(line) for line in bytes(json_lines(batch_of(rows))).decode().split("\n")[:-1]]
    assert [(row["text"], row["count"], Decimal(row["amount"])) for row in read] == [
        (text, count, Decimal(amount).scaleb(-12)) for text, count, amount in rows
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'="])
def test_a_text_that_a_spreadsheet_would_run_is_neutralised_and_comes_back(start: str) -> None:
    text = f"{start}1+1"
    assert neutralise(text) == f"'{text}"
    assert restore(neutralise(text)) == text


@settings(deadline=None)
@given(WORD)
def test_neutralising_loses_nothing(text: str) -> None:
    assert restore(neutralise(text)) == text
    assert not neutralise(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_negative_amount_is_a_number_with_all_its_places() -> None:
    assert bytes(csv_lines(batch_of([("x", 0, -150_000), ("x", 0, 290_000_000_000)]))) == (
        b"x,0,-0.000000150000\nx,0,0.290000000000\n"
    )

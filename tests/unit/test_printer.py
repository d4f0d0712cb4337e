from __future__ import annotations

import io
import random

import pytest

from aias_cli.printer import Cells, Output, Printer, print_fitted


@pytest.mark.parametrize("seed", range(20))
def test_the_lines_of_a_table_are_those_that_rich_prints(seed: int) -> None:
    chance = random.Random(seed)
    columns, count = chance.randint(1, 5), chance.randint(1, 6)
    texts = [["x" * chance.randint(0, 12) for _ in range(columns)] for _ in range(count + chance.randint(0, 2))]
    table = Cells([f"c{n}" for n in range(columns)], [chance.random() < 0.5 for _ in range(columns)], texts, count)
    printed = io.StringIO()
    print_fitted(table, printed)
    assert list(table.iter_lines()) == [line.rstrip() for line in printed.getvalue().splitlines()]


@pytest.mark.parametrize("text", ["two\nlines", "日本", "a\tb"])
def test_cells_that_are_not_plain_are_left_to_rich(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not Cells(["a"], [False], [[text]], 1).is_plain
    Printer(Output.TABLE).result("x/1", {"rows": [{"a": text}]}, "rows", ("a",))
    assert text[0] in capsys.readouterr().out

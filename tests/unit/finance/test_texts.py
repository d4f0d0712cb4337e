from __future__ import annotations

import numpy as np

from aias_core.finance.export.texts import Texts


def test_a_column_has_each_word_once_and_says_the_same() -> None:
    column = Texts(np.array([3, 0, 1, 2, 4], np.int32), ["a", "b", None, "a", None]).to_arrow()
    assert column.to_pylist() == ["a", "a", "b", None, None]
    assert column.dictionary.to_pylist() == ["a", "b", ""]


def test_a_column_of_no_rows_has_no_words() -> None:
    assert Texts(np.array([], np.int32), []).to_arrow().to_pylist() == []

from __future__ import annotations

import pyarrow as pa
import pytest

from aias_core.finance.export.content import ContentHash

SCHEMA = pa.schema(
    [
        pa.field("text", pa.dictionary(pa.int32(), pa.string())),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("amount", pa.decimal128(38, 12)),
    ]
)
ROWS = [("a", 1, "0.290000000000"), (None, 2, None), ("b", -3, "-1.000000000001"), ("a", 4, "5.000000000000")]


def batch_of(rows: list[tuple[str | None, int, str | None]]) -> pa.RecordBatch:
    words, counts, amounts = zip(*rows, strict=True)
    exact = pa.array(amounts, pa.string()).cast(pa.decimal128(38, 12))
    return pa.RecordBatch.from_arrays([pa.array(words).dictionary_encode(), pa.array(counts), exact], schema=SCHEMA)


def hash_of(*parts: list[tuple[str | None, int, str | None]]) -> str:
    content = ContentHash(SCHEMA)
    for part in parts:
        content.update(batch_of(part))
    return content.hexdigest()


@pytest.mark.parametrize("cut", range(1, len(ROWS)))
def test_where_a_file_is_cut_into_batches_makes_no_difference(cut: int) -> None:
    assert hash_of(ROWS[:cut], ROWS[cut:]) == hash_of(ROWS)


def test_every_change_of_a_cell_changes_it() -> None:
    changed = [
        [("c", *ROWS[0][1:]), *ROWS[1:]],
        [("a", 9, ROWS[0][2]), *ROWS[1:]],
        [ROWS[0], (None, 2, "0.000000000000"), *ROWS[2:]],
        [ROWS[0], ("", 2, None), *ROWS[2:]],
        [ROWS[1], ROWS[0], *ROWS[2:]],
        ROWS[:3],
    ]
    assert len({hash_of(rows) for rows in [ROWS, *changed]}) == len(changed) + 1


def test_a_slice_of_a_batch_is_hashed_as_what_it_shows() -> None:
    content = ContentHash(SCHEMA)
    content.update(batch_of(ROWS).slice(1, 2))
    assert content.hexdigest() == hash_of(ROWS[1:3])

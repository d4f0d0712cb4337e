"""Lines of text from a table: CSV after RFC 4180 with LF, and JSON lines, both without a loop over rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.finance.export.content import values_of

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST = -(2**63)
_SMALL_COUNTS = 16_384
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutralise(text: str) -> str:
    """A text that no spreadsheet takes for a formula; `restore` gives the original back."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def restore(cell: str) -> str:
    """The text that `neutralise` made a cell of."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS) else cell


def csv_header(schema: pa.Schema) -> bytes:
    """The names of the columns as a line."""
    return (",".join(_csv_cell(name) for name in schema.names) + "\n").encode()


def csv_lines(batch: pa.RecordBatch) -> memoryview:
    """The rows of a batch as CSV: nothing is an empty cell."""
    columns = [_to_text(column, _csv_cell, "", "") for column in batch.columns]
    return _join(columns, ",", "")


def plain_csv_lines(batch: pa.RecordBatch) -> memoryview:
    """The same for a program: no text is changed."""
    return _join([_to_text(column, _quote, "", "") for column in batch.columns], ",", "")


def json_lines(batch: pa.RecordBatch) -> memoryview:
    """The rows of a batch as JSON objects: counts are numbers, amounts are texts, nothing is null."""
    parts: list[Any] = []
    for position, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        parts += [f"{',' if position else '{'}{json.dumps(name)}:"]
        parts += [_to_text(column, _json_text, '"', "null")]
    return _join(parts, "", "}")


def _csv_cell(text: str) -> str:
    return _quote(neutralise(text))


def _quote(cell: str) -> str:
    if any(special in cell for special in ',"\n\r') or cell == "":
        doubled = cell.replace('"', '""')
        return f'"{doubled}"'
    return cell


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _to_text(column: Any, word: Callable[[str], str], quote: str, nothing: str) -> Any:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.dictionary_encode()
        words = [clock.format_second(at) for at in column.dictionary.to_pylist()]
        column = pa.DictionaryArray.from_arrays(column.indices, pa.array(words, pa.string()))
    if pa.types.is_dictionary(column.type):
        words = [word(text) for text in column.dictionary.to_pylist()]
        text = pa.array(words, pa.string()).take(column.indices)
    elif pa.types.is_decimal(column.type):
        text = _decimal_text(column, quote)
    else:
        text = _count_text(column)
    return text.fill_null(nothing) if text.null_count else text


def _count_text(column: pa.Array) -> pa.Array:
    """Whole numbers; most counts are small, and looking their text up is three times as fast as making it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = pc.min_max(column).as_py()
    is_small = bounds["min"] is not None and bounds["min"] >= 0 and bounds["max"] < _SMALL_COUNTS
    return _small_counts().take(column) if is_small else column.cast(pa.string())


@cache
def _small_counts() -> pa.Array:
    import pyarrow as pa

    return pa.array(range(_SMALL_COUNTS)).cast(pa.string())


def _decimal_text(column: pa.Array, quote: str) -> Any:
    """Decimals with all their places, for example `-0.000000150000`."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    low, high = np.frombuffer(values_of(column), "<i8").reshape(-1, 2).T
    if column.null_count or not ((low >> 63 == high) & (low != _LEAST)).all():
        words = [None if value is None else f"{quote}{value:f}{quote}" for value in column.to_pylist()]
        return pa.array(words, pa.string())
    if (low == low[0]).all():
        return pa.repeat(f"{quote}{column[0].as_py():f}{quote}", len(column))
    unit = 10**column.type.scale
    whole, rest = divmod(abs(low), unit)
    sign = pa.array([quote, f"{quote}-"]).take(pa.array((low < 0).astype("i1")))
    places = pc.utf8_slice_codeunits(pa.array(rest + unit).cast(pa.string()), 1)
    return pc.binary_join_element_wise(sign, pa.array(whole).cast(pa.string()), ".", places, quote, "")


def _join(parts: list[Any], separator: str, end: str) -> memoryview:
    """The bytes of all rows: their parts, and after each row its end and a line feed."""
    import pyarrow.compute as pc

    rows = pc.binary_join_element_wise(*parts, separator)
    rows = pc.binary_join_element_wise(rows, f"{end}\n", "")
    first, last = rows.offset, rows.offset + len(rows)
    offsets = memoryview(rows.buffers()[1]).cast("i")
    return memoryview(rows.buffers()[2])[offsets[first] : offsets[last]]

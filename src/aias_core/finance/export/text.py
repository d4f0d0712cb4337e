"""Lines of text from a table: CSV after RFC 4180 with LF, and JSON lines, both without a loop over rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aias_core import clock

if TYPE_CHECKING:
    import pyarrow as pa

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
    columns = [_to_text(column, _csv_cell, str, "") for column in batch.columns]
    return _join(columns, ",", "")


def json_lines(batch: pa.RecordBatch) -> memoryview:
    """The rows of a batch as JSON objects: counts are numbers, amounts are texts, nothing is null."""
    parts: list[Any] = []
    for position, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        parts += [f"{',' if position else '{'}{json.dumps(name)}:"]
        parts += [_to_text(column, _json_text, _json_text, "null")]
    return _join(parts, "", "}")


def _csv_cell(text: str) -> str:
    cell = neutralise(text)
    if any(special in cell for special in ',"\n\r') or cell == "":
        doubled = cell.replace('"', '""')
        return f'"{doubled}"'
    return cell


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _to_text(column: Any, word: Callable[[str], str], amount: Callable[[str], str], nothing: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = column.dictionary_encode()
        words = [clock.format_second(at) for at in column.dictionary.to_pylist()]
        column = pa.DictionaryArray.from_arrays(column.indices, pa.array(words, pa.string()))
    if pa.types.is_dictionary(column.type):
        words = [word(text) for text in column.dictionary.to_pylist()]
        text = pa.array(words, pa.string()).take(column.indices)
    else:
        text = column.cast(pa.string())
        if pa.types.is_decimal(column.type) and amount("") != "":
            text = pc.binary_join_element_wise('"', text, '"', "")
    return text.fill_null(nothing) if text.null_count else text


def _join(parts: list[Any], separator: str, end: str) -> memoryview:
    """The bytes of all rows: their parts, and after each row its end and a line feed."""
    import pyarrow.compute as pc

    rows = pc.binary_join_element_wise(*parts, separator)
    rows = pc.binary_join_element_wise(rows, f"{end}\n", "")
    first, last = rows.offset, rows.offset + len(rows)
    offsets = memoryview(rows.buffers()[1]).cast("i")
    return memoryview(rows.buffers()[2])[offsets[first] : offsets[last]]

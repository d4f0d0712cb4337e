"""A written file read back as the table it was written from, whatever its form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.errors import DifferenceFound
from aias_core.finance.export.focus_columns import focus_schema
from aias_core.finance.export.lines import finance_schema
from aias_core.finance.export.records import BLOCK_ROWS, batched
from aias_core.finance.export.text import restore

if TYPE_CHECKING:
    import pyarrow as pa

_CODECS = {"none": None, "gz": "gzip", "zst": "zstd"}


def schema_of(manifest: Mapping[str, Any]) -> pa.Schema:
    """The columns that a manifest speaks of."""
    return focus_schema() if manifest["kind"] == "focus" else finance_schema()


def iter_batches(path: Path, manifest: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """The rows of a file. Raises DifferenceFound when it cannot be read as what its manifest says."""
    import pyarrow as pa

    schema, readers = schema_of(manifest), {"csv": _iter_csv, "jsonl": _iter_json, "parquet": _iter_parquet}
    try:
        for batch in readers[manifest["format"]](path, schema, _CODECS[manifest["compression"]]):
            yield _conform(batch, schema)
    except (pa.ArrowException, ValueError, KeyError, OSError) as exc:
        reason = str(exc).split("\n", 1)[0]
        raise DifferenceFound(f"'{path}' cannot be read as {manifest['format']}: {reason}") from exc


def _iter_csv(path: Path, schema: pa.Schema, codec: str | None) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(
        column_types={field.name: _plain_type(field) for field in schema},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    with (
        pa.input_stream(str(path), compression=codec) as stream,
        csv.open_csv(
            stream, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options
        ) as reader,
    ):
        for batch in reader:
            columns = [_restore(column) if pa.types.is_string(column.type) else column for column in batch.columns]
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _restore(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    encoded = column.dictionary_encode()
    words = pa.array([restore(word) for word in encoded.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, words)


def _iter_json(path: Path, schema: pa.Schema, codec: str | None) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    with pa.input_stream(str(path), compression=codec) as stream:
        for rows in batched(map(json.loads, _iter_lines(stream)), BLOCK_ROWS):
            columns = [_from_json([row[field.name] for row in rows], field) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, names=schema.names)


def _iter_lines(stream: Any) -> Iterator[bytes]:
    rest = b""
    while content := stream.read(1024 * 1024):
        *lines, rest = (rest + content).split(b"\n")
        yield from lines
    if rest:
        raise ValueError("the last line is cut off")


def _from_json(values: Iterable[Any], field: pa.Field) -> pa.Array:
    from datetime import datetime
    from decimal import Decimal

    import pyarrow as pa

    if pa.types.is_decimal(field.type):
        values = [None if value is None else Decimal(value) for value in values]
    elif pa.types.is_timestamp(field.type):
        values = [datetime.fromisoformat(value) for value in values]
    return pa.array(values, _plain_type(field))


def _iter_parquet(path: Path, schema: pa.Schema, _: str | None) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    with pq.ParquetFile(str(path), read_dictionary=texts) as file:
        yield from file.iter_batches(BLOCK_ROWS)


def _plain_type(field: pa.Field) -> pa.DataType:
    import pyarrow as pa

    return pa.string() if pa.types.is_dictionary(field.type) else field.type


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with the types it was written with. Raises ValueError for other columns or a text that is missing."""
    import pyarrow as pa

    if batch.schema.names != schema.names:
        raise ValueError("it has other columns")
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        if not field.nullable and column.null_count:
            raise ValueError(f"'{field.name}' is empty in a row")
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)

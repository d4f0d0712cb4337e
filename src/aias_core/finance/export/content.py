"""A fingerprint of what a file says, the same in every form of it.

Each column is hashed by itself: whole numbers and instants (microseconds since 1970) as 8 bytes, decimals as 16 bytes
of their last place, all little-endian; texts as the 4-byte number of the word among the words of the column in order of
first appearance, -1 for none, and then those words. Columns that may be empty add a byte for each row, 1 where there is
a value. `content_sha256` is the SHA-256 over the names and hashes of all columns.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class ContentHash:
    """Takes the batches of a file in order; where they are cut makes no difference."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._hashes = [hashlib.sha256() for _ in schema]
        self._words: list[dict[str, int]] = [{} for _ in schema]

    def update(self, batch: pa.RecordBatch) -> None:
        for number, column in enumerate(batch.columns):
            for part in self._parts_of(number, column):
                self._hashes[number].update(part)

    def hexdigest(self) -> str:
        whole = hashlib.sha256()
        for field, digest, words in zip(self._schema, self._hashes, self._words, strict=True):
            last = digest.copy()
            last.update(json.dumps(list(words), ensure_ascii=False).encode())
            whole.update(f"{field.name}={last.hexdigest()}\n".encode())
        return whole.hexdigest()

    def _parts_of(self, number: int, column: Any) -> list[Any]:
        import pyarrow as pa

        if pa.types.is_dictionary(column.type):
            return [self._number_words(number, column)]
        values = [values_of(column)]
        if self._schema.field(number).nullable:
            values.append(column.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
        return values

    def _number_words(self, number: int, column: pa.DictionaryArray) -> bytes:
        import numpy as np

        known = self._words[number]
        index = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        local = column.dictionary.to_pylist()
        _, first = np.unique(index, return_index=True)
        for position in np.sort(first):
            if index[position] >= 0:
                known.setdefault(local[index[position]], len(known))
        numbers = np.array([*(known.get(word, -1) for word in local), -1], "<i4")
        content: bytes = numbers[index].tobytes()
        return content


def values_of(column: pa.Array) -> memoryview:
    """The values of a column of numbers or instants as they lie in memory, nothing being 0."""
    import pyarrow as pa

    if column.null_count:
        column = column.fill_null(pa.scalar(0).cast(pa.int64()) if pa.types.is_integer(column.type) else _zero(column))
    width = column.type.bit_width // 8
    return memoryview(column.buffers()[1])[column.offset * width : (column.offset + len(column)) * width]


def _zero(column: pa.Array) -> Any:
    import pyarrow as pa

    return pa.scalar(0, pa.int64()).cast(column.type)

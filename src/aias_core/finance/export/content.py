"""A fingerprint of what a file says, the same in every form of it.

Each column is hashed by itself: whole numbers and instants (microseconds since 1970) as 8 bytes, decimals as 16 bytes
of their last place, all little-endian; texts as the 4-byte number of the word among the words of the column in order of
first appearance, -1 for none, and then those words; after the numbers of a column that may be empty, the hash of a byte
for each row, 1 where there is a value. `content_sha256` is the SHA-256 over the names and hashes of all columns.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class ContentHash:
    """Takes the batches of a file in order; where they are cut makes no difference."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._hashes = [hashlib.sha256() for _ in schema]
        self._present = [hashlib.sha256() for _ in schema]
        self._words: list[dict[str, int]] = [{} for _ in schema]

    def update(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        for number, (field, column) in enumerate(zip(self._schema, batch.columns, strict=True)):
            if pa.types.is_dictionary(field.type):
                self._hashes[number].update(self._number_words(number, column))
                continue
            self._hashes[number].update(values_of(column))
            if field.nullable:
                present = column.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False)
                self._present[number].update(present.tobytes())

    def hexdigest(self) -> str:
        import pyarrow as pa

        whole = hashlib.sha256()
        for number, field in enumerate(self._schema):
            column = self._hashes[number].copy()
            if pa.types.is_dictionary(field.type):
                column.update(json.dumps(list(self._words[number]), ensure_ascii=False).encode())
            elif field.nullable:
                column.update(self._present[number].digest())
            whole.update(f"{field.name}={column.hexdigest()}\n".encode())
        return whole.hexdigest()

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
    if column.null_count:
        import pyarrow as pa

        column = column.fill_null(pa.scalar(0, pa.int64()).cast(column.type))
    width = column.type.bit_width // 8
    return memoryview(column.buffers()[1])[column.offset * width : (column.offset + len(column)) * width]

"""Columns of text as distinct words and, for each row, which of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Texts:
    """One column: `index` into `words`, in which None is no text. `keys` are the ids behind the words, if they are."""

    index: np.ndarray[Any, Any]
    words: Sequence[str | None]
    keys: Sequence[bytes] = ()

    def to_arrow(self) -> pa.DictionaryArray:
        """The column as Arrow has it, null where there is no text.

        Each word is there once: of one that comes twice, the Parquet writer makes a page with what lay in memory.
        """
        import numpy as np
        import pyarrow as pa

        empty = np.array([word is None for word in self.words], bool)
        mask = empty[self.index] if empty.any() else None
        known: dict[str, int] = {}
        places = [known.setdefault(word or "", len(known)) for word in self.words]
        index = self.index if len(known) == len(places) else np.array(places, np.int32)[self.index]
        return pa.DictionaryArray.from_arrays(
            pa.array(index, pa.int32(), mask=mask), pa.array(list(known), pa.string())
        )


def constant(word: str | None, rows: int) -> Texts:
    """A column that says the same in every row."""
    import numpy as np

    return Texts(np.zeros(rows, np.int32), [word])


def encode_ids(column: np.ndarray[Any, Any]) -> Texts:
    """UUIDs from their sixteen bytes; the nil UUID is no text."""
    import uuid

    import numpy as np
    import pyarrow as pa

    dense = np.ascontiguousarray(column)
    array = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(dense), [None, pa.py_buffer(dense)])
    encoded = array.dictionary_encode()
    keys = encoded.dictionary.to_pylist()
    words = [str(uuid.UUID(bytes=key)) if any(key) else None for key in keys]
    return Texts(encoded.indices.to_numpy(zero_copy_only=False), words, keys)


def encode_codes(column: np.ndarray[Any, Any], words: dict[int, str | None]) -> Texts:
    """Words from the codes that stand for them."""
    import numpy as np
    import pyarrow as pa

    encoded = pa.array(np.ascontiguousarray(column)).dictionary_encode()
    codes = encoded.dictionary.to_pylist()
    return Texts(encoded.indices.to_numpy(zero_copy_only=False), [words[code] for code in codes])

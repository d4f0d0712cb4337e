"""A stream of chunks, read as a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator


class ChunkReader:
    """Reads so many bytes at a time from chunks of any size; fewer come at the end only."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._held = iter(chunks), memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """The next bytes, in one copy; all of them where no size is given."""
        return b"".join(self.iter_parts(sys.maxsize if size < 0 else size))

    def iter_parts(self, size: int) -> Iterator[memoryview]:
        """The next bytes as they lie there, without a copy."""
        while size > 0 and (self._held or self._advance()):
            part = self._held[:size]
            self._held = self._held[len(part) :]
            size -= len(part)
            yield part

    def _advance(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._held = memoryview(chunk)
                return True
        return False

"""Files of events: plain, gzip or zstd, read in pieces of whole lines that know where they stand."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from aias_core.errors import InvalidInput

STDIN = "-"
LINE_LIMIT = 16 * 1024
DIGESTED_BYTES = 64 * 1024
BUFFER_BYTES = 1024 * 1024
T = TypeVar("T")
GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines, the number of the first, and the uncompressed bytes from `start` to `end` they were."""

    lines: list[bytes]
    first_line: int
    start: int
    end: int


@dataclass(slots=True)
class EventFile:
    """An open file of events. `source` names its content, so that a later load knows it again; stdin has none."""

    name: str
    source: str
    stream: io.BufferedReader
    line: int = 1
    offset: int = 0

    def skip_to(self, offset: int) -> None:
        """Passes over what an earlier load stored; lines keep their numbers."""
        while passed := self._read(partial(self.stream.read, min(BUFFER_BYTES, offset - self.offset))):
            self.offset += len(passed)
            self.line += passed.count(b"\n")

    def iter_pieces(self, lines: int) -> Iterator[Piece]:
        """The rest of the file, so many lines at a time. Raises InvalidInput where it is cut off or damaged.

        Of a line beyond the limit only the beginning is kept: too long to be an event, and refused as that.
        """
        while (piece := Piece([], self.line, self.offset, self.offset)) and self._read(
            partial(self._fill, piece, lines)
        ):
            self.line += len(piece.lines)
            yield replace(piece, end=self.offset)

    def _fill(self, piece: Piece, lines: int) -> bool:
        for part in islice(iter(partial(self.stream.readline, LINE_LIMIT), b""), lines):
            piece.lines.append(part)
            self.offset += len(part)
            while len(part) == LINE_LIMIT and not part.endswith(b"\n"):
                part = self.stream.readline(LINE_LIMIT)
                self.offset += len(part)
        return bool(piece.lines)

    def _read(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (EOFError, OSError, zlib.error) as exc:
            raise InvalidInput(f"'{self.name}' is damaged or cut off after {self.offset} bytes: {exc}") from exc


@contextmanager
def open_events(name: str, stdin: BinaryIO) -> Iterator[EventFile]:
    """A file of events by its path, or stdin for `-`; its first bytes tell the compression. Raises InvalidInput."""
    if name == STDIN:
        yield EventFile(name, "stdin", _decompress(io.BufferedReader(cast("io.RawIOBase", stdin), BUFFER_BYTES)))
        return
    with _open(Path(name)) as file:
        yield EventFile(name, _name_source(Path(name), file.read(DIGESTED_BYTES)), _decompress(file))


def _open(path: Path) -> io.BufferedReader:
    try:
        return io.BufferedReader(io.FileIO(path), BUFFER_BYTES)
    except OSError as exc:
        raise InvalidInput(f"'{path}' cannot be read: {exc.strerror}", hint="name a file, or - for stdin") from exc


def _name_source(path: Path, head: bytes) -> str:
    digest = hashlib.sha256(f"{path.name}\0{path.stat().st_size}\0".encode() + head)
    return f"file:{digest.hexdigest()[:32]}"


def _decompress(file: io.BufferedReader) -> io.BufferedReader:
    if file.seekable():
        file.seek(0)
    magic = file.peek(4)
    if magic.startswith(GZIP_MAGIC):
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=file)), BUFFER_BYTES)
    if magic.startswith(ZSTD_MAGIC):
        import pyarrow

        unpacked = pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd")
        return io.BufferedReader(unpacked, BUFFER_BYTES)
    return file

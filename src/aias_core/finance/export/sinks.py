"""The forms of a file, written batch by batch to something that takes bytes, so that equal rows give equal bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from aias_core.finance.export import text
from aias_core.finance.export.records import BLOCK_ROWS
from aias_core.finance.export.request import Compression, Format

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 65_536
ZSTD_LEVEL = 3
GZIP_LEVEL = 6
CREATED_BY = b"aias"
_CREATED_BY_STARTS = b"parquet-cpp-arrow version "
_FOOTER_TAIL_BYTES = 8


class Target(Protocol):
    """Takes the bytes of a file in order."""

    def write(self, content: Any, /) -> Any: ...


class HashingTarget(io.RawIOBase):
    """Hands bytes on, and knows how many there were and their SHA-256."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        length = memoryview(content).nbytes
        self._digest.update(content)
        self._target.write(content)
        self.size += length
        return length

    def tell(self) -> int:
        return self.size

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def open_sink(
    target: Target, schema: pa.Schema, form: Format, compression: Compression
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """A function that writes a batch. The file is whole at the end of the block, not before."""
    if form is Format.PARQUET:
        with _parquet(target, schema) as write:
            yield write
        return
    with _compressed(target, compression) as output:
        if form is Format.CSV:
            output.write(text.csv_header(schema))
        render = text.csv_lines if form is Format.CSV else text.json_lines

        def write(batch: pa.RecordBatch) -> None:
            for start in range(0, len(batch), BLOCK_ROWS):
                output.write(render(batch.slice(start, BLOCK_ROWS)))

        yield write


@contextmanager
def _compressed(target: Target, compression: Compression) -> Iterator[Target]:
    if compression is Compression.NONE:
        yield target
    elif compression is Compression.GZIP:
        with gzip.GzipFile("", "wb", GZIP_LEVEL, cast(IO[bytes], target), mtime=0) as file:
            yield file
    else:
        import pyarrow as pa

        with pa.CompressedOutputStream(pa.PythonFile(target, "w"), "zstd") as stream:
            yield stream


@contextmanager
def _parquet(target: Target, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    output, waiting = _FooterTarget(target), list[Any]()
    writer = pq.ParquetWriter(
        pa.PythonFile(output, "w"),
        schema,
        version="2.6",
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=[f.name for f in schema if pa.types.is_dictionary(f.type) or pa.types.is_timestamp(f.type)],
        data_page_version="1.0",
        data_page_size=1024 * 1024,
        write_batch_size=1024,
        write_statistics=True,
        store_schema=False,
    )

    def write(batch: pa.RecordBatch) -> None:
        waiting.append(batch)
        while sum(map(len, waiting)) >= ROW_GROUP_ROWS:
            table = pa.Table.from_batches(waiting)
            writer.write_table(table.slice(0, ROW_GROUP_ROWS), row_group_size=ROW_GROUP_ROWS)
            waiting[:] = table.slice(ROW_GROUP_ROWS).to_batches()

    yield write
    if waiting:
        writer.write_table(pa.Table.from_batches(waiting), row_group_size=ROW_GROUP_ROWS)
    output.hold()
    writer.close()
    target.write(name_creator(output.held()))


class _FooterTarget(io.RawIOBase):
    """Hands bytes on until told to hold the rest back: the footer, which names the version of the library."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target, self._held, self._holds, self._size = target, list[bytes](), False, 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        length = memoryview(content).nbytes
        self._size += length
        if self._holds:
            self._held.append(bytes(content))
        else:
            self._target.write(content)
        return length

    def tell(self) -> int:
        return self._size

    def hold(self) -> None:
        self._holds = True

    def held(self) -> bytes:
        return b"".join(self._held)


def name_creator(footer: bytes) -> bytes:
    """The end of a Parquet file with our name for the one of its writer, whose version would change the bytes."""
    at = footer.find(_CREATED_BY_STARTS)
    length = footer[at - 1]
    renamed = footer[: at - 1] + bytes([len(CREATED_BY)]) + CREATED_BY + footer[at + length : -_FOOTER_TAIL_BYTES]
    return renamed + len(renamed).to_bytes(4, "little") + footer[-4:]

"""The lines of a request as they come out of PostgreSQL, read ahead while earlier ones are written."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import ClientCursor

from aias_core.finance.export.cents import allot_cents
from aias_core.finance.export.names import microseconds_of
from aias_core.finance.export.records import Amounts, Records, iter_blocks, record_type
from aias_core.finance.export.source import Source, Totals, build_copy, list_idle

if TYPE_CHECKING:
    from psycopg import Connection

Item = TypeVar("Item")
_AHEAD = 2


def stream_lines(connection: Connection, source: Source, totals: Totals) -> Generator[tuple[Records, Amounts]]:
    """Blocks of lines in the order of the file with their cents, organizations without usage among them."""
    idle = _build_idle(connection, source, totals)
    blocks = read_ahead(iter_blocks(_iter_messages(connection, source, totals)))
    return allot_cents(_merge(blocks, idle))


def _iter_messages(connection: Connection, source: Source, totals: Totals) -> Iterator[bytes | memoryview | bytearray]:
    statement = build_copy(connection, source, totals)
    with ClientCursor(connection).copy(statement, source.parameters) as copy:
        yield from copy


def _build_idle(connection: Connection, source: Source, totals: Totals) -> Records:
    import numpy as np

    rows = list_idle(connection, source)
    idle = np.zeros(len(rows), record_type())
    idle["bucket_start"] = microseconds_of(source.request.window.start)
    for line, (org_id, currency, code, nothing) in zip(idle, rows, strict=True):
        line["org_id"], line["currency"] = org_id.bytes, code
        line["operation"] = line["region"] = nothing
        totals.words.update({code: currency, nothing: None})
    return idle


def _merge(blocks: Iterable[Records], idle: Records) -> Iterator[Records]:
    import numpy as np

    for block in blocks:
        due = int(np.searchsorted(idle["org_id"], block["org_id"][-1]))
        places = np.searchsorted(block["org_id"], idle["org_id"][:due])
        yield np.insert(block, places, idle[:due]) if due else block
        idle = idle[due:]
    if len(idle):
        yield idle


def read_ahead(items: Iterable[Item]) -> Generator[Item]:
    """The same items, the next ones being made in another thread meanwhile."""
    source, nothing = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, source, nothing) for _ in range(_AHEAD))
        try:
            while (item := coming.popleft().result()) is not nothing:
                coming.append(pool.submit(next, source, nothing))
                yield item  # type: ignore[misc]
        finally:
            for future in coming:
                future.cancel()
            _close_in(pool, source)


def _close_in(pool: ThreadPoolExecutor, source: Any) -> None:
    """Closes a generator in the thread that runs it."""
    if hasattr(source, "close"):
        pool.submit(source.close).result()

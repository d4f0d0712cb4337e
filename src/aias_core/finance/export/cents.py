"""Whole cents for every line of a file, so that the lines of an organization add up to its total, rounded once.

Largest remainder: each line has its amount rounded down, and the cents that are left go to the largest remainders, ties
by the order of the file. An organization's lines wait until the last of them is there, on disk when they are many.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from aias_core.finance.export.records import BLOCK_ROWS, Amounts, Records, amounts_of, record_type
from aias_core.money import CENT

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
_ROWS_IN_MEMORY = 2 * BLOCK_ROWS


def allot_cents(blocks: Iterable[Records]) -> Generator[tuple[Records, Amounts]]:
    """The blocks of a file, in its order, each with the whole cents of its lines."""
    import numpy as np

    waiting = _Waiting()
    try:
        for block in blocks:
            last = int(np.searchsorted(block["org_id"], block["org_id"][-1]))
            if last:
                waiting.append(block[:last])
                yield from waiting.drain()
            elif waiting.is_of_another(block):
                yield from waiting.drain()
            waiting.append(block[last:])
        yield from waiting.drain()
    finally:
        waiting.close()


def choose_lines(remainders: Array, odd: Array) -> Array:
    """Which lines of one total get one of the cents that rounding down has left over.

    `remainders` are below a cent and at least 0; `odd` says of each line whether its cents, rounded down, are odd.
    """
    import numpy as np

    left, rest = divmod(int(remainders.sum()), CENT)
    is_odd = (int(odd.sum()) + left) % 2
    left += rest * 2 > CENT or (rest * 2 == CENT and is_odd)
    if not left:
        return np.zeros(len(remainders), bool)
    threshold = np.partition(remainders, -left)[-left]
    chosen: Array = remainders > threshold
    ties = np.flatnonzero(remainders == threshold)
    chosen[ties[: left - np.count_nonzero(chosen)]] = True
    return chosen


def _round_down(records: Records) -> tuple[Amounts, Array]:
    """The amounts of lines in whole cents, rounded down, and what remains of each in pico-units."""
    import numpy as np

    amounts = amounts_of(records, "cost") + amounts_of(records, "adjustment")
    cents = amounts // CENT
    return cents, (amounts - cents * CENT).astype(np.int64)


@dataclass(slots=True)
class _Waiting:
    """Lines whose organization may not be complete; of each one what is left after rounding down."""

    _blocks: list[Records] = field(default_factory=list)
    _file: IO[bytes] | None = None
    _remainders: list[Array] = field(default_factory=list)
    _odd: list[Array] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _currencies: list[Array] = field(default_factory=list)
    _rows: int = 0
    _last_org: bytes = b""

    def is_of_another(self, block: Records) -> bool:
        return self._rows > 0 and bytes(block["org_id"][0]) != self._last_org

    def append(self, block: Records) -> None:
        import numpy as np

        cents, remainders = _round_down(block)
        self._remainders.append(remainders)
        self._odd.append((cents % 2).astype(np.int8))
        orgs = block["org_id"]
        changes = np.concatenate(([not self._rows or self.is_of_another(block)], orgs[1:] != orgs[:-1]))
        self._starts += (np.flatnonzero(changes) + self._rows).tolist()
        self._rows += len(block)
        self._last_org = bytes(orgs[-1])
        self._currencies.append(block["currency"].copy())
        self._blocks.append(block)
        if sum(map(len, self._blocks)) > _ROWS_IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        self._file = self._file or tempfile.TemporaryFile(prefix="aias-export-")  # noqa: SIM115
        for block in self._blocks:
            self._file.write(block.tobytes())
        self._blocks.clear()

    def drain(self) -> Iterator[tuple[Records, Amounts]]:
        """All that waits, with its cents; nothing waits afterwards."""
        if self._rows:
            chosen, first = self._choose(), 0
            for block in self._iter_blocks():
                yield block, _round_down(block)[0] + chosen[first : first + len(block)]
                first += len(block)
        self.close()

    def _choose(self) -> Array:
        import numpy as np

        remainders, odd, currencies = map(np.concatenate, (self._remainders, self._odd, self._currencies))
        for parts in (self._remainders, self._odd, self._currencies):
            parts.clear()
        chosen = np.zeros(self._rows, bool)
        for start, end in zip(self._starts, [*self._starts[1:], self._rows], strict=True):
            for currency in np.unique(currencies[start:end]):
                lines = start + np.flatnonzero(currencies[start:end] == currency)
                chosen[lines] = choose_lines(remainders[lines], odd[lines])
        return chosen

    def _iter_blocks(self) -> Iterator[Records]:
        import numpy as np

        if self._file is not None:
            self._file.seek(0)
            while content := self._file.read(BLOCK_ROWS * record_type().itemsize):
                yield np.frombuffer(content, record_type())
        yield from self._blocks

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        for parts in (self._blocks, self._starts):
            parts.clear()
        self._file, self._rows, self._last_org = None, 0, b""

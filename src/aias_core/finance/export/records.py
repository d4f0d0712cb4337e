"""Rows on their way out of PostgreSQL: records of one width, so that a block of them is an array.

What may be null is the nil UUID; a text is its 64-bit hash, and the words come with the totals; an amount is two
numbers, whole units and the rest in pico-units, each with the sign of the amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from aias_core.errors import AiasError
from aias_core.money import PICO

if TYPE_CHECKING:
    import numpy as np

Records: TypeAlias = "np.ndarray[Any, Any]"
Amounts: TypeAlias = "np.ndarray[Any, Any]"
"""Pico-units: 64-bit integers where all of them fit, Python's integers where one does not."""

Item = TypeVar("Item")

BLOCK_ROWS = 16_384
MEASURES = (
    *("requests", "successes", "errors", "timeouts", "throttled", "cancelled", "rejected"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"),
    *("billed_requests", "billed_input_tokens", "billed_cached_input_tokens", "billed_output_tokens"),
)
AMOUNTS = ("cost_units", "cost_rest", "adjustment_units", "adjustment_rest")
IDS = ("org_id", "project_id", "model_id", "price_id")
FIELDS = (
    *("bucket_start", "org_id", "project_id", "model_id", "operation", "region", "currency", "price_id"),
    *MEASURES,
    *AMOUNTS,
)
_HEADER_BYTES = 19
_TRAILER = b"\xff\xff"
_EPOCH_SHIFT = 946_684_800_000_000


@cache
def record_type() -> np.dtype[Any]:
    """A record as the rest of the export knows it; `bucket_start` in microseconds since 1970."""
    import numpy as np

    return np.dtype([(name, "S16" if name in IDS else "<i8") for name in FIELDS])


@cache
def _wire_type() -> np.dtype[Any]:
    import numpy as np

    lengths_and_values = [
        part for name in FIELDS for part in ((f"{name} length", ">i4"), (name, "S16" if name in IDS else ">i8"))
    ]
    return np.dtype([("fields", ">i2"), *lengths_and_values])


def iter_blocks(messages: Iterable[bytes | memoryview | bytearray]) -> Iterator[Records]:
    """Blocks of records from the messages of a binary COPY. Raises AiasError when they are of another shape."""
    width = _wire_type().itemsize
    skipped, kept = _HEADER_BYTES, b""
    for some in batched(messages, BLOCK_ROWS):
        whole = b"".join((kept, *some))
        cut = (len(whole) - skipped) // width * width + skipped
        kept = whole[cut:]
        if cut > skipped:
            yield _decode(memoryview(whole)[skipped:cut])
        skipped = 0
    if kept != _TRAILER:
        raise AiasError("PostgreSQL did not send all of its rows")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def _decode(content: memoryview) -> Records:
    import numpy as np

    wire = np.frombuffer(content, _wire_type())
    records = np.empty(len(wire), record_type())
    for name in FIELDS:
        if (wire[f"{name} length"] != _wire_type()[name].itemsize).any():
            raise AiasError(f"PostgreSQL sent '{name}' in another form than was asked for")
        records[name] = wire[name]
    records["bucket_start"] += _EPOCH_SHIFT
    return records


def amounts_of(records: Records, name: str) -> Amounts:
    """The amounts `cost` or `adjustment` in pico-units, exactly."""
    units, rest = records[f"{name}_units"], records[f"{name}_rest"]
    if not units.any():
        return rest.copy()
    exact: Amounts = units.astype(object) * PICO + rest
    return exact

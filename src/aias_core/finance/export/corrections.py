"""Which part of the adjustments of a line corrects months that were closed before the adjustments were made.

Few lines have one, so the amounts are read apart from the lines and found again by their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from psycopg import sql

from aias_core.finance.export.names import NIL, microseconds_of
from aias_core.finance.export.records import Amounts, Records
from aias_core.finance.export.source import Source, queries

if TYPE_CHECKING:
    import numpy as np
    from psycopg import Connection

Key: TypeAlias = "tuple[int | bytes, ...]"
_KEY = ["bucket_start", "org_id", "project_id", "model_id", "operation", "region", "currency", "price_id"]


@dataclass(frozen=True, slots=True)
class Corrections:
    """Amounts in pico-units by the key of their line."""

    amounts: Mapping[Key, int]

    def amounts_of(self, records: Records) -> Amounts:
        """The amount of each line, 0 where none of its adjustments is a correction."""
        import numpy as np

        keys = records[_KEY]
        found = {int(at): self.amounts.get(keys[at].item(), 0) for at in np.flatnonzero(self._may_have_one(records))}
        amounts = np.zeros(len(records), object if any(found.values()) else np.int64)
        for at, amount in found.items():
            amounts[at] = amount
        return amounts

    def _may_have_one(self, records: Records) -> np.ndarray[Any, Any]:
        import numpy as np

        starts = np.array([key[0] for key in self.amounts], np.int64)
        found: np.ndarray[Any, Any] = np.isin(records["bucket_start"], starts) & (records["price_id"] == b"")
        return found


def read_corrections(connection: Connection, source: Source) -> Corrections:
    """Those of the lines of a source, within its snapshot."""
    nil = sql.Literal(UUID(bytes=NIL))
    statement = sql.SQL(queries["list_corrections"]).format(corrections=source.corrections(), nil=nil)
    rows = connection.execute(statement, source.parameters)
    return Corrections({tuple(map(_as_in_records, key)): int(amount) for *key, amount in rows})


def _as_in_records(part: datetime | UUID | int) -> int | bytes:
    """A record has microseconds, and ids without the zeros at their ends."""
    if isinstance(part, UUID):
        return part.bytes.rstrip(b"\0")
    return part if isinstance(part, int) else microseconds_of(part)

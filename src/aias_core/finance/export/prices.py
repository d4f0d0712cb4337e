"""The price rows behind a file: which were used, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.finance.export.records import Records
from aias_core.finance.export.source import queries
from aias_core.finance.export.texts import encode_ids
from aias_core.money import Price, format_pico

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of the price book; `list_price_id` is the list price that a negotiated one departs from."""

    price: Price
    model_id: UUID
    operation: str
    effective_from: datetime
    org_id: UUID | None
    list_price_id: UUID | None


@dataclass(slots=True)
class Prices:
    """The price book of a snapshot, and which of its rows the lines of a file name."""

    rows: Mapping[bytes, PriceRow]
    _used: set[bytes] = field(default_factory=set)

    def note_used(self, records: Records) -> None:
        """Remembers the price rows of these lines."""
        self._used.update(encode_ids(records["price_id"]).keys)

    def describe_used(self) -> list[dict[str, Any]]:
        """The rows that lines name, as the manifest shows them: exact amounts for one token or request."""
        return [_describe(self.rows[key]) for key in sorted(self._used) if key in self.rows]


def read_prices(connection: Connection) -> Prices:
    """The whole price book."""
    rows = {}
    for price_id, model_id, operation, currency, *amounts, effective_from, org_id, list_id in connection.execute(
        queries["list_prices"]
    ):
        price = Price(str(price_id), currency, *amounts)
        rows[price_id.bytes] = PriceRow(price, model_id, operation, effective_from, org_id, list_id)
    return Prices(rows)


def _describe(row: PriceRow) -> dict[str, Any]:
    price = row.price
    return {
        "price_id": price.price_id,
        "model_id": str(row.model_id),
        "operation": row.operation,
        "currency": price.currency,
        "input": format_pico(price.input_pico),
        "cached_input": format_pico(price.cached_input_pico),
        "output": format_pico(price.output_pico),
        "request": format_pico(price.request_pico),
        "effective_from": clock.format_instant(row.effective_from),
        "org_id": None if row.org_id is None else str(row.org_id),
    }

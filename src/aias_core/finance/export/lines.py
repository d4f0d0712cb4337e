"""The finance columns: 36, the same for hours, days and months, as a table of Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aias_core.finance.export.names import NAME, SLUG, Names, microseconds_of
from aias_core.finance.export.records import MEASURES, Amounts, Records, amounts_of
from aias_core.finance.export.source import Segment
from aias_core.finance.export.texts import Texts, constant, encode_codes, encode_ids
from aias_core.windows import Grain, next_month

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_LENGTHS = {Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1)}


@cache
def finance_schema() -> pa.Schema:
    """Names, types and nullability of the columns, in their order."""
    import pyarrow as pa

    instant, count, exact = pa.timestamp("us", "UTC"), pa.int64(), pa.decimal128(38, 12)
    text = pa.dictionary(pa.int32(), pa.string())
    fields = [("period_start", instant, False), ("period_end", instant, False), ("granularity", text, False)]
    fields += [(name, text, name != "org_id") for name in ("org_id", "org_slug", "org_name")]
    fields += [(f"{kind}_{part}", text, True) for kind in ("project", "model") for part in ("id", "name")]
    fields += [("operation", text, True), ("region", text, True)]
    fields += [(name, count, False) for name in (*MEASURES[:11], "total_tokens", *MEASURES[11:])]
    fields += [("currency", text, False), ("price_id", text, True)]
    fields += [(f"{name}_exact", exact, False) for name in ("cost", "adjustment", "amount")]
    fields += [("amount", pa.decimal128(38, 2), False), ("month_status", text, False)]
    fields += [("statement_version", count, False)]
    return pa.schema([pa.field(name, kind, nullable) for name, kind, nullable in fields])


@dataclass(frozen=True, slots=True)
class LineBuilder:
    """Makes lines of records: names as of the period, and what can be computed from the rest."""

    granularity: Grain
    segments: Sequence[Segment]
    names: Names
    words: dict[int, str | None]

    def schema(self) -> pa.Schema:
        return finance_schema()

    def build(self, records: Records, cents: Amounts) -> pa.RecordBatch:
        """The lines of a block, in its order."""
        import pyarrow as pa

        rows, starts = len(records), records["bucket_start"]
        segment, status, version = self.find_statements(starts)
        org, project, model = (encode_ids(records[f"{kind}_id"]) for kind in ("org", "project", "model"))
        cost, adjustment = amounts_of(records, "cost"), amounts_of(records, "adjustment")
        texts = {
            "granularity": constant(str(self.granularity), rows),
            "org_id": org,
            "org_slug": self.names.texts_of("organizations", SLUG, org, starts),
            "org_name": self.names.texts_of("organizations", NAME, org, starts),
            "project_id": project,
            "project_name": self.names.texts_of("projects", NAME, project, starts),
            "model_id": model,
            "model_name": self.names.texts_of("models", NAME, model, starts),
            "price_id": encode_ids(records["price_id"]),
            "month_status": Texts(segment, status),
            **{name: encode_codes(records[name], self.words) for name in ("operation", "region", "currency")},
        }
        columns = {
            **{name: texts[name].to_arrow() for name in texts},
            **{name: pa.array(records[name]) for name in MEASURES},
            "period_start": to_instants(starts),
            "period_end": to_instants(self.find_ends(starts)),
            "total_tokens": pa.array(records["input_tokens"] + records["output_tokens"]),
            "cost_exact": to_decimals(cost, 12),
            "adjustment_exact": to_decimals(adjustment, 12),
            "amount_exact": to_decimals(cost + adjustment, 12),
            "amount": to_decimals(cents, 2),
            "statement_version": pa.array(version),
        }
        schema = finance_schema()
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)

    def find_statements(self, starts: np.ndarray[Any, Any]) -> tuple[Any, list[str | None], Any]:
        """For each line the number of its month's segment, the status of each segment, and the version of each line."""
        import numpy as np

        first = [microseconds_of(segment.window.start) for segment in self.segments]
        number = (np.searchsorted(first, starts, side="right") - 1).astype(np.int32)
        versions = np.array([segment.version for segment in self.segments], np.int64)
        return number, [segment.status for segment in self.segments], versions[number]

    def find_ends(self, starts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The ends of periods in microseconds."""
        import numpy as np

        if self.granularity is not Grain.MONTH:
            ends: np.ndarray[Any, Any] = starts + int(_LENGTHS[self.granularity].total_seconds()) * 1_000_000
            return ends
        month_starts = [segment.window.start for segment in self.segments]
        number = np.searchsorted([microseconds_of(start) for start in month_starts], starts, side="right") - 1
        return np.array([microseconds_of(next_month(start)) for start in month_starts], np.int64)[number]


def to_instants(microseconds: np.ndarray[Any, Any]) -> pa.Array:
    """Instants from microseconds since 1970."""
    import numpy as np
    import pyarrow as pa

    return pa.array(np.ascontiguousarray(microseconds)).cast(pa.timestamp("us", "UTC"))


def to_decimals(amounts: Amounts, places: int) -> pa.Array:
    """Exact decimals from whole numbers of their last place."""
    import numpy as np
    import pyarrow as pa

    if amounts.dtype == object:
        content = b"".join(int(amount).to_bytes(16, "little", signed=True) for amount in amounts)
    else:
        content = np.stack((amounts, amounts >> 63), axis=1).tobytes()
    return pa.Array.from_buffers(pa.decimal128(38, places), len(amounts), [None, pa.py_buffer(content)])

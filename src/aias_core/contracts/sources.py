"""What a router worker says of itself: heartbeats and control totals, contracts `heartbeat/1` and `control/1`.

Adding an optional field keeps the version; anything else is a new one on a new subject.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from aias_core.contracts.usage import Short

HEARTBEAT_SECONDS = 10
TOTALS_LIMIT = 2_000

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source has come at an instant. A source that is `closing` has nothing left and says goodbye.

    `oldest_unpublished_at` is when the first of its unpublished requests ended; `oldest_in_flight_at` is when the first
    of those that run or are not published was admitted. Hours that end by `sealed_through` are sealed and announced.
    """

    schema: Literal["heartbeat/1"] = "heartbeat/1"
    source: Short
    at: Aware
    highest_seq: Count
    published_seq: Count
    oldest_unpublished_at: Aware | None = None
    oldest_in_flight_at: Aware | None = None
    sealed_through: Aware | None = None
    closing: bool = False


class HourTotal(msgspec.Struct, frozen=True, kw_only=True):
    """All that a source has settled of an organization's hour; sealed when nothing of it can come any more."""

    org_id: UUID
    hour: Aware
    requests: Count
    input_tokens: Count
    output_tokens: Count
    cost_pico: Count
    sealed: bool = False


class ControlTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The totals that changed since they were last told, each whole, so that telling twice does no harm."""

    schema: Literal["control/1"] = "control/1"
    source: Short
    at: Aware
    totals: Annotated[list[HourTotal], msgspec.Meta(max_length=TOTALS_LIMIT)]


_decoders: dict[str, msgspec.json.Decoder[Heartbeat] | msgspec.json.Decoder[ControlTotals]] = {
    "heartbeat/1": msgspec.json.Decoder(Heartbeat),
    "control/1": msgspec.json.Decoder(ControlTotals),
}


class _Kind(msgspec.Struct):
    schema: str


def encode(message: Heartbeat | ControlTotals) -> bytes:
    """The message as one JSON object."""
    return msgspec.json.encode(message)


def decode(payload: bytes) -> Heartbeat | ControlTotals:
    """The message in a JSON text. Raises ValueError for anything the contracts do not know."""
    try:
        return _decoders[msgspec.json.decode(payload, type=_Kind).schema].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as exc:
        raise ValueError(f"not a heartbeat or control total: {exc}") from exc

"""Usage events for tests: valid ones, changed where a test wants it."""

from __future__ import annotations

import itertools
import secrets
import uuid
from datetime import datetime
from typing import Any

from aias_core import clock, ids
from aias_core.contracts.usage import UsageEvent
from aias_core.money import Price

ORG = uuid.UUID("01890000-0000-7000-8000-000000000001")
OTHER_ORG = uuid.UUID("01890000-0000-7000-8000-000000000002")
MODEL = uuid.UUID("01890000-0000-7000-8000-00000000000a")
PRICE_ID = uuid.UUID("01890000-0000-7000-8000-0000000000aa")
PRICE = Price(str(PRICE_ID), "USD", input_pico=150_000, cached_input_pico=75_000, output_pico=600_000, request_pico=0)

_sequence = itertools.count(1)


def id_at(at: datetime) -> uuid.UUID:
    """A UUIDv7 of an instant."""
    value = int(at.timestamp() * 1000) << 80 | secrets.randbits(80)
    return uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)


def make_event(at: datetime | None = None, **changes: Any) -> UsageEvent:
    """A successful, billable event at an instant (now, unless told), with the exact cost of its tokens."""
    event_id = id_at(at or clock.now())
    fields: dict[str, Any] = {
        "event_id": event_id,
        "occurred_at": ids.instant_of(event_id),
        "org_id": ORG,
        "model_id": MODEL,
        "model_requested": "mock-small",
        "operation": "chat",
        "status": "success",
        "http_status": 200,
        "duration_ms": 120,
        "ttft_ms": 40,
        "input_tokens": 10,
        "output_tokens": 20,
        "billable": True,
        "price_id": PRICE_ID,
        "source": "test",
        "source_seq": next(_sequence),
        **changes,
    }
    if fields["billable"] and "cost_pico" not in changes:
        tokens = fields["input_tokens"], fields.get("cached_input_tokens", 0), fields["output_tokens"]
        fields["cost_pico"] = PRICE.cost_pico(*tokens)
    return UsageEvent(**fields)

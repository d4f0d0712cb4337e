"""From what happened to a request to its usage event."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec

from aias_core import ids
from aias_core.contracts.usage import Operation, Status, UsageEvent
from aias_core.money import Price
from aias_core.routing.registry import Model
from aias_core.routing.stream import Usage

BYTES_PER_TOKEN = 4
_LARGEST_TOKENS = 2**31 - 1
_SHORT = 64


@dataclass(slots=True)
class Outcome:
    """What is known of a request so far. Until it is told otherwise, the client went away."""

    status: Status = "cancelled"
    http_status: int = 499
    error_code: str | None = None
    usage: Usage | None = None
    token_source: Literal["reported", "counted", "estimated"] = "reported"
    attempts: int = 1
    backend: str | None = None
    backend_started_at: float | None = None
    first_byte_at: float | None = None

    def fail(self, status: Status, http_status: int, code: str) -> None:
        self.status, self.http_status, self.error_code = status, http_status, code

    def estimate(self, body_bytes: int, chunks: int) -> None:
        """Token counts where the backend reported none: from the chunks that passed, and the size of the body."""
        self.usage = Usage(prompt_tokens=body_bytes // BYTES_PER_TOKEN, completion_tokens=chunks)
        self.token_source = "counted" if chunks else "estimated"


def open_event(
    event_id: UUID, operation: Operation, org_id: UUID, api_key_id: UUID, client: str, region: str
) -> UsageEvent:
    """The event of a request at admission: what it stays when the router dies before it hears more."""
    return UsageEvent(
        event_id=event_id,
        occurred_at=ids.instant_of(event_id),
        org_id=org_id,
        api_key_id=api_key_id,
        operation=operation,
        status="error",
        http_status=500,
        error_code="router_interrupted",
        duration_ms=0,
        billable=False,
        region=region,
        client=client,
        source="router",
        source_seq=1,
    )


def close_event(
    opened: UsageEvent, outcome: Outcome, model: Model | None, price: Price | None, started: float
) -> UsageEvent:
    """The event of a request that has ended: exact cost where output was produced, nothing otherwise."""
    ended = time.monotonic()
    usage = outcome.usage or Usage()
    output = min(usage.completion_tokens, _LARGEST_TOKENS)
    billable = price is not None and (outcome.status == "success" or output > 0)
    fields = _count_tokens(usage, output) if billable else {}
    cost = price.cost_pico(*_billed(fields)) if price is not None and billable else 0
    return msgspec.structs.replace(
        opened,
        model_id=model.model_id if model else None,
        model_revision=model.revision if model else None,
        status=outcome.status,
        http_status=outcome.http_status,
        error_code=outcome.error_code,
        duration_ms=_milliseconds(started, ended),
        ttft_ms=_milliseconds(started, outcome.first_byte_at),
        backend_ms=_milliseconds(outcome.backend_started_at, ended),
        token_source=outcome.token_source,
        billable=billable,
        currency=price.currency if price and billable else "USD",
        price_id=UUID(price.price_id) if price and billable else None,
        cost_pico=cost,
        attempts=outcome.attempts,
        route="failover" if outcome.attempts > 1 else "primary",
        backend_id=outcome.backend,
        **fields,
    )


def client_of(headers: Mapping[str, str]) -> str:
    """SDK family and version, such as `python/3.57.0`."""
    family, version = headers.get("x-stainless-lang"), headers.get("x-stainless-package-version")
    name = f"{family}/{version}" if family and version else headers.get("user-agent", "unknown")
    return "".join(c for c in name if c.isprintable())[:_SHORT]


def _count_tokens(usage: Usage, output: int) -> dict[str, int]:
    given = min(usage.prompt_tokens, _LARGEST_TOKENS)
    return {
        "input_tokens": given,
        "cached_input_tokens": min(usage.cached_tokens, given),
        "output_tokens": output,
        "reasoning_tokens": min(usage.reasoning_tokens, output),
    }


def _billed(tokens: Mapping[str, int]) -> tuple[int, int, int]:
    return tokens["input_tokens"], tokens["cached_input_tokens"], tokens["output_tokens"]


def _milliseconds(start: float | None, end: float | None) -> int | None:
    return None if start is None or end is None else max(0, int((end - start) * 1000))

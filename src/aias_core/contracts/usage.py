"""The usage event, contract `usage/1`: one admitted request, whatever its end.

The router mints `event_id` (UUIDv7) when it admits a request; the same id is the request id in headers and logs.
Adding an optional field keeps the version; anything else is `usage/2`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from aias_core import ids

SCHEMA: Literal["usage/1"] = "usage/1"
EVENT_BYTES_LIMIT = 8 * 1024
FUTURE_LIMIT = timedelta(minutes=5)
AGE_LIMIT = timedelta(days=35)
ID_TIME_TOLERANCE = timedelta(seconds=1)

Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=86_400_000)]
Short = Annotated[str, msgspec.Meta(max_length=64)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$")]
Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]

Operation = Literal["chat", "completion", "embedding", "other"]
Status = Literal["success", "error", "timeout", "throttled", "cancelled", "rejected"]


class RejectReason(StrEnum):
    """Why an event was not stored; each is the reason of a dead letter."""

    MALFORMED = "malformed"
    SCHEMA = "schema"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    ID_TIME_MISMATCH = "id_time_mismatch"
    FUTURE = "future"
    TOO_OLD = "too_old"
    UNKNOWN_VERSION = "unknown_version"
    TOO_LARGE = "too_large"
    CONFLICT = "conflict"


class EventRejected(ValueError):
    """An event that the contract refuses, with the reason and the field at fault."""

    def __init__(self, reason: RejectReason, detail: str, field: str | None = None) -> None:
        self.reason, self.detail, self.field = reason, detail, field
        super().__init__(f"{reason}: {detail}")


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One admitted request. Durations are milliseconds, money is pico-units of `currency`, instants are UTC."""

    schema: Literal["usage/1"] = SCHEMA
    kind: Literal["usage"] = "usage"
    event_id: UUID
    occurred_at: datetime
    org_id: UUID
    project_id: UUID | None = None
    api_key_id: UUID | None = None
    actor_id: UUID | None = None
    model_id: UUID | None = None
    model_revision: Annotated[int, msgspec.Meta(ge=1)] | None = None
    model_requested: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    operation: Operation
    status: Status
    http_status: Annotated[int, msgspec.Meta(ge=100, le=599)]
    error_code: Word | None = None
    duration_ms: Milliseconds
    ttft_ms: Milliseconds | None = None
    backend_ms: Milliseconds | None = None
    input_tokens: Tokens = 0
    cached_input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    token_source: Literal["reported", "counted", "estimated"] = "reported"
    billable: bool
    currency: Currency = "USD"
    price_id: UUID | None = None
    cost_pico: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 0
    streamed: bool = False
    attempts: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    route: Literal["primary", "failover", "override"] = "primary"
    region: Annotated[str, msgspec.Meta(max_length=32)] = "local"
    backend_id: Short | None = None
    client: Short | None = None
    end_user_hash: Hex64 | None = None
    trace_id: Hex32 | None = None
    lease_id: UUID | None = None
    source: Short
    source_seq: Annotated[int, msgspec.Meta(ge=1)]
    labels: dict[str, str] = {}


_decoder = msgspec.json.Decoder(UsageEvent)
_encoder = msgspec.json.Encoder()
_LABEL_KEY = re.compile(r"[a-z0-9_.-]{1,64}")


def encode(event: UsageEvent) -> bytes:
    """The event as one JSON object without line breaks."""
    return _encoder.encode(event)


def decode(line: bytes, received_at: datetime) -> UsageEvent:
    """The event in a JSON text, checked against the contract at the instant it was received.

    Raises EventRejected with the reason and the field at fault.
    """
    if len(line) > EVENT_BYTES_LIMIT:
        raise EventRejected(RejectReason.TOO_LARGE, f"{len(line)} bytes, at most {EVENT_BYTES_LIMIT}")
    try:
        event = _decoder.decode(line)
    except msgspec.ValidationError as exc:
        raise _explain(line, exc) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise EventRejected(RejectReason.MALFORMED, "not a JSON object") from exc
    _check_rules(event)
    _check_time(event, received_at)
    return event


def json_schema() -> dict[str, Any]:
    """The contract as JSON Schema 2020-12."""
    return msgspec.json.schema(UsageEvent)


def _explain(line: bytes, exc: msgspec.ValidationError) -> EventRejected:
    raw = msgspec.json.decode(line)
    if not isinstance(raw, dict):
        return EventRejected(RejectReason.MALFORMED, "not a JSON object")
    if "schema" not in raw:
        return EventRejected(RejectReason.SCHEMA, "no schema member", "schema")
    if raw["schema"] != SCHEMA:
        return EventRejected(RejectReason.UNKNOWN_VERSION, f"schema {raw['schema']!r:.40}", "schema")
    text = str(exc)
    if missing := re.search(r"missing required field `(\w+)`", text):
        return EventRejected(RejectReason.MISSING_FIELD, text, missing[1])
    path = re.search(r"at `\$\.(\w+)", text)
    return EventRejected(RejectReason.BAD_VALUE, text, path[1] if path else None)


def _check_rules(event: UsageEvent) -> None:
    def require(holds: bool, field: str, detail: str) -> None:
        if not holds:
            raise EventRejected(RejectReason.BAD_VALUE, detail, field)

    require(event.occurred_at.tzinfo is not None, "occurred_at", "names no time zone")
    require(event.cached_input_tokens <= event.input_tokens, "cached_input_tokens", "more than input_tokens")
    require(event.reasoning_tokens <= event.output_tokens, "reasoning_tokens", "more than output_tokens")
    require(event.ttft_ms is None or event.ttft_ms <= event.duration_ms, "ttft_ms", "more than duration_ms")
    require(event.billable or event.cost_pico == 0, "cost_pico", "cost of an event that is not billable")
    require(event.billable or event.status != "success", "billable", "a success is billable")
    require(not event.billable or event.price_id is not None, "price_id", "billable without a price")
    require(
        event.error_code is not None or event.status in ("success", "cancelled"), "error_code", "a failure needs a code"
    )
    require(len(event.labels) <= 16, "labels", "more than 16")
    for key, value in event.labels.items():
        require(_LABEL_KEY.fullmatch(key) is not None and len(value) <= 128, "labels", f"label {key!r:.80}")


def _check_time(event: UsageEvent, received_at: datetime) -> None:
    if event.event_id.version != 7:
        raise EventRejected(RejectReason.BAD_VALUE, "event_id is not a UUID version 7", "event_id")
    if abs(ids.instant_of(event.event_id) - event.occurred_at) > ID_TIME_TOLERANCE:
        raise EventRejected(RejectReason.ID_TIME_MISMATCH, "occurred_at differs from the time in event_id", "event_id")
    if event.occurred_at - received_at > FUTURE_LIMIT:
        raise EventRejected(RejectReason.FUTURE, "more than 5 minutes ahead", "occurred_at")
    if received_at - event.occurred_at > AGE_LIMIT:
        raise EventRejected(RejectReason.TOO_OLD, "more than 35 days old", "occurred_at")

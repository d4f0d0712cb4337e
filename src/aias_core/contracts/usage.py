"""The usage event, contract `usage/1`: one admitted request, whatever its end.

The router mints `event_id` (UUIDv7) when it admits a request; the same id is the request id in headers and logs.
Usage is never edited: what corrects it is an adjustment, an event of its own. Adding an optional field keeps the
version; anything else is `usage/2`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec

SCHEMA: Literal["usage/1"] = "usage/1"
EVENT_BYTES_LIMIT = 8 * 1024
FUTURE_LIMIT = timedelta(minutes=5)
AGE_LIMIT = timedelta(days=35)
ID_TIME_TOLERANCE_SECONDS = 1.0
LABELS_LIMIT = 16
LABELS_BYTES_LIMIT = 2048

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
    ERASED = "erased"


class EventRejected(ValueError):
    """An event that the contract refuses, with the reason and the field at fault."""

    def __init__(self, reason: RejectReason, detail: str, field: str | None = None) -> None:
        self.reason, self.detail, self.field = reason, detail, field
        super().__init__(f"{reason}: {detail}")


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False, gc=False):
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


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False, gc=False):
    """A credit, refund or correction in the open month: money without usage, with its reason."""

    schema: Literal["usage/1"] = SCHEMA
    kind: Literal["adjustment"]
    event_id: UUID
    occurred_at: datetime
    org_id: UUID
    project_id: UUID | None = None
    model_id: UUID | None = None
    operation: Operation = "other"
    currency: Currency = "USD"
    cost_pico: Annotated[int, msgspec.Meta(ge=-(2**53) + 1, le=2**53 - 1)]
    ref_event_id: UUID | None = None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    region: Annotated[str, msgspec.Meta(max_length=32)] = "local"
    labels: dict[str, str] = {}


Event: TypeAlias = UsageEvent | Adjustment

_decoder = msgspec.json.Decoder(UsageEvent)
_adjustment_decoder = msgspec.json.Decoder(Adjustment)
_encoder = msgspec.json.Encoder()
_LABEL_KEY = re.compile(r"[a-z0-9_.-]{1,64}")


def encode(event: Event) -> bytes:
    """The event as one JSON object without line breaks."""
    return _encoder.encode(event)


def decode(line: bytes, received_at: datetime, oldest: timedelta = AGE_LIMIT) -> Event:
    """The event in a JSON text, checked against the contract at the instant it was received.

    Raises EventRejected with the reason and the field at fault; an event older than `oldest` is too old.
    """
    if len(line) > EVENT_BYTES_LIMIT:
        raise EventRejected(RejectReason.TOO_LARGE, f"{len(line)} bytes, at most {EVENT_BYTES_LIMIT}")
    try:
        event: Event = _decoder.decode(line)
    except msgspec.ValidationError as exc:
        event = _decode_adjustment(line, exc)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise EventRejected(RejectReason.MALFORMED, "not a JSON object") from exc
    if isinstance(event, UsageEvent):
        _check_rules(event)
    if event.labels:
        _check_labels(event.labels)
    _check_time(event, received_at, oldest)
    return event


def json_schema() -> dict[str, Any]:
    """The contract as JSON Schema 2020-12."""
    kinds, definitions = msgspec.json.schema_components([UsageEvent, Adjustment], ref_template="#/$defs/{name}")
    return {"anyOf": list(kinds), "$defs": definitions}


def _decode_adjustment(line: bytes, refused: msgspec.ValidationError) -> Adjustment:
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:  # wrong before the place where it is cut off
        raise EventRejected(RejectReason.MALFORMED, "not a JSON object") from exc
    if not isinstance(raw, dict) or raw.get("kind") != "adjustment":
        raise _explain(raw, refused) from refused
    try:
        return _adjustment_decoder.decode(line)
    except msgspec.ValidationError as exc:
        raise _explain(raw, exc) from exc


def _explain(raw: Any, exc: msgspec.ValidationError) -> EventRejected:
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
    if event.cached_input_tokens > event.input_tokens:
        raise _bad_value("cached_input_tokens", "more than input_tokens")
    if event.reasoning_tokens > event.output_tokens:
        raise _bad_value("reasoning_tokens", "more than output_tokens")
    if event.ttft_ms is not None and event.ttft_ms > event.duration_ms:
        raise _bad_value("ttft_ms", "more than duration_ms")
    if event.billable:
        if event.price_id is None:
            raise _bad_value("price_id", "billable without a price")
    elif event.cost_pico:
        raise _bad_value("cost_pico", "cost of an event that is not billable")
    elif event.status == "success":
        raise _bad_value("billable", "a success is billable")
    if event.error_code is None and event.status not in ("success", "cancelled"):
        raise _bad_value("error_code", "a failure needs a code")


def _check_labels(labels: dict[str, str]) -> None:
    if len(labels) > LABELS_LIMIT:
        raise _bad_value("labels", f"more than {LABELS_LIMIT}")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or len(value) > 128:
            raise _bad_value("labels", f"label {key!r:.80}")
    if len(_encoder.encode(labels)) > LABELS_BYTES_LIMIT:
        raise _bad_value("labels", f"more than {LABELS_BYTES_LIMIT} bytes")


def _check_time(event: Event, received_at: datetime, oldest: timedelta) -> None:
    value, at = event.event_id.int, event.occurred_at
    if value >> 76 & 0xF != 7 or value >> 62 & 0x3 != 2:
        raise _bad_value("event_id", "event_id is not a UUID version 7")
    if at.tzinfo is not UTC:
        raise _bad_value("occurred_at", "is not in UTC")
    if abs((value >> 80) / 1000 - at.timestamp()) > ID_TIME_TOLERANCE_SECONDS:
        raise EventRejected(RejectReason.ID_TIME_MISMATCH, "occurred_at differs from the time in event_id", "event_id")
    age = received_at - at
    if age < -FUTURE_LIMIT:
        raise EventRejected(RejectReason.FUTURE, "more than 5 minutes ahead", "occurred_at")
    if age > oldest:
        raise EventRejected(RejectReason.TOO_OLD, f"more than {oldest.days} days old", "occurred_at")


def _bad_value(field: str, detail: str) -> EventRejected:
    return EventRejected(RejectReason.BAD_VALUE, detail, field)

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aias_core import clock, ids
from aias_core.contracts import usage
from aias_core.contracts.usage import EventRejected, RejectReason
from support.events import make_event


def decode(fields: dict[str, Any], received_at: datetime | None = None) -> usage.UsageEvent:
    return usage.decode(json.dumps(fields).encode(), received_at or clock.now())


def as_fields(**changes: Any) -> dict[str, Any]:
    return {**json.loads(usage.encode(make_event())), **changes}


def rejection_of(fields: dict[str, Any]) -> tuple[RejectReason, str | None]:
    with pytest.raises(EventRejected) as caught:
        decode(fields)
    return caught.value.reason, caught.value.field


def test_an_event_survives_the_wire() -> None:
    event = make_event(labels={"team": "search"})
    assert usage.decode(usage.encode(event), clock.now()) == event


def test_an_upper_case_id_is_the_same_id() -> None:
    fields = as_fields()
    assert decode({**fields, "org_id": fields["org_id"].upper()}) == decode(fields)


def test_an_unknown_optional_field_is_ignored() -> None:
    assert decode(as_fields(added_later=1)).schema == "usage/1"


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"schema": "usage/2"}, RejectReason.UNKNOWN_VERSION, "schema"),
        ({"status": "succes"}, RejectReason.BAD_VALUE, "status"),
        ({"input_tokens": 1.5}, RejectReason.BAD_VALUE, "input_tokens"),
        ({"input_tokens": "7"}, RejectReason.BAD_VALUE, "input_tokens"),
        ({"output_tokens": -1}, RejectReason.BAD_VALUE, "output_tokens"),
        ({"cost_pico": 2**53}, RejectReason.BAD_VALUE, "cost_pico"),
        ({"cached_input_tokens": 999}, RejectReason.BAD_VALUE, "cached_input_tokens"),
        ({"ttft_ms": 10**6}, RejectReason.BAD_VALUE, "ttft_ms"),
        ({"billable": False}, RejectReason.BAD_VALUE, "cost_pico"),
        ({"price_id": None}, RejectReason.BAD_VALUE, "price_id"),
        ({"status": "error", "billable": False, "cost_pico": 0}, RejectReason.BAD_VALUE, "error_code"),
        ({"labels": {"Team": "x"}}, RejectReason.BAD_VALUE, "labels"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_bad_value_names_its_field(changes: dict[str, Any], reason: RejectReason, field: str) -> None:
    assert rejection_of(as_fields(**changes)) == (reason, field)


def test_a_missing_field_is_named() -> None:
    fields = as_fields()
    del fields["org_id"]
    assert rejection_of(fields) == (RejectReason.MISSING_FIELD, "org_id")


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"[", b'{"schema": 1, "event_', b"nonsense", b"\xff\xfe"])
def test_what_is_not_an_object_is_malformed(line: bytes) -> None:
    with pytest.raises(EventRejected) as caught:
        usage.decode(line, clock.now())
    assert caught.value.reason is RejectReason.MALFORMED


def test_nine_kibibytes_are_too_large() -> None:
    with pytest.raises(EventRejected) as caught:
        usage.decode(b" " * 9 * 1024, clock.now())
    assert caught.value.reason is RejectReason.TOO_LARGE


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [(timedelta(minutes=-6), RejectReason.FUTURE), (timedelta(days=36), RejectReason.TOO_OLD)],
    ids=["ahead", "old"],
)
def test_an_event_outside_its_time_is_refused(ahead: timedelta, reason: RejectReason) -> None:
    event = make_event()
    with pytest.raises(EventRejected) as caught:
        usage.decode(usage.encode(event), event.occurred_at + ahead)
    assert caught.value.reason is reason


def test_the_time_must_agree_with_the_id() -> None:
    other = clock.format_instant(clock.now() - timedelta(minutes=1))
    assert rejection_of(as_fields(occurred_at=other))[0] is RejectReason.ID_TIME_MISMATCH


def test_the_schema_is_published_with_every_field() -> None:
    schema = usage.json_schema()
    properties = schema["$defs"]["UsageEvent"]["properties"]
    assert set(properties) == set(usage.UsageEvent.__struct_fields__)
    assert ids.instant_of(make_event(at=datetime(2026, 11, 1, tzinfo=UTC)).event_id) == datetime(
        2026, 11, 1, tzinfo=UTC
    )

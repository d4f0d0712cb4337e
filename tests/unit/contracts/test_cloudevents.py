from __future__ import annotations

import json
from typing import Any

import pytest

from aias_core.contracts import usage
from aias_core.contracts.cloudevents import unwrap
from aias_core.contracts.usage import EventRejected, RejectReason
from support.events import make_event


def wrap(event: bytes, **changes: Any) -> bytes:
    data = json.loads(event)
    envelope = {"specversion": "1.0", "type": "aias.usage.v1", "id": data["event_id"], "source": "/test", "data": data}
    kept = {name: value for name, value in {**envelope, **changes}.items() if value is not None}
    return json.dumps(kept).encode()


def test_the_event_comes_out_of_its_envelope() -> None:
    event = usage.encode(make_event())
    assert json.loads(unwrap(wrap(event))) == json.loads(event)


def test_a_bare_event_stays_as_it_is_even_with_a_label_that_looks_like_an_envelope() -> None:
    event = usage.encode(make_event(labels={"specversion": "1.0"}))
    assert unwrap(event) == event


def test_an_id_in_capitals_is_the_same_id() -> None:
    event = make_event()
    assert unwrap(wrap(usage.encode(event), id=str(event.event_id).upper()))


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"specversion": "0.3"}, RejectReason.UNKNOWN_VERSION, "specversion"),
        ({"type": "com.example.other"}, RejectReason.UNKNOWN_VERSION, "type"),
        ({"id": "another"}, RejectReason.BAD_VALUE, "id"),
        ({"id": None}, RejectReason.MISSING_FIELD, "id"),
        ({"data": None}, RejectReason.MISSING_FIELD, "data"),
        ({"data": "text"}, RejectReason.BAD_VALUE, "data"),
        ({"specversion": 1}, RejectReason.BAD_VALUE, None),
    ],
)
def test_a_bad_envelope_is_refused(changes: dict[str, Any], reason: RejectReason, field: str | None) -> None:
    with pytest.raises(EventRejected) as refused:
        unwrap(wrap(usage.encode(make_event()), **changes))
    assert (refused.value.reason, refused.value.field) == (reason, field)

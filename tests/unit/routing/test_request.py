from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.routing.request import InvalidBody, iter_members, parse_request, shown_model_name

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
READ_BY_US = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "user",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
}
bodies = st.dictionaries(st.text().filter(lambda key: key not in READ_BY_US), values, max_size=6)
indents = st.sampled_from([None, 0, 3])


def encode(fields: dict[str, Any], indent: int | None, ascii_only: bool) -> bytes:
    return json.dumps(fields, indent=indent, ensure_ascii=ascii_only).encode()


@given(bodies, indents, st.booleans())
def test_a_body_passes_byte_for_byte_but_for_the_model(
    others: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    body = encode(
        {**others, "model": "alias", "messages": [{"role": "user", "content": 'say "model": x'}]}, indent, ascii_only
    )
    assert parse_request(body, "chat").spliced("alias") == body
    expected = encode(
        {**others, "model": "served", "messages": [{"role": "user", "content": 'say "model": x'}]}, indent, ascii_only
    )
    assert parse_request(body, "chat").spliced("served") == expected


@given(bodies, indents)
def test_members_are_found_where_they_stand(others: dict[str, Any], indent: int | None) -> None:
    body = encode(others, indent, True)
    found = {m.key: json.loads(body[m.value_start : m.end]) for m in iter_members(body)}
    assert json.dumps(found) == json.dumps(others)


@pytest.mark.parametrize(
    "options", [None, {}, {"include_usage": False}, {"x": [1, {"y": 2}]}], ids=["absent", "empty", "false", "others"]
)
def test_a_stream_is_asked_for_its_usage_and_keeps_its_other_options(options: dict[str, Any] | None) -> None:
    fields: dict[str, Any] = {"model": "m", "messages": [1], "stream": True, "temperature": 0}
    if options is not None:
        fields["stream_options"] = options
    request = parse_request(json.dumps(fields).encode(), "chat")
    assert json.loads(request.spliced("m")) == {**fields, "stream_options": {**(options or {}), "include_usage": True}}
    assert not request.wants_usage


def test_a_body_that_asks_for_usage_itself_stays_as_it_is() -> None:
    body = b'{ "model":"m","messages":[1],"stream":true , "stream_options": {"include_usage": true}}'
    assert parse_request(body, "chat").spliced("m") == body


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"[]", "invalid_json", None),
        (b'{"model":"m"', "invalid_json", None),
        (b'{"messages":[1]}', "missing_required_parameter", "model"),
        (b'{"model":7,"messages":[1]}', "missing_required_parameter", "model"),
        (b'{"model":"m"}', "missing_required_parameter", "messages"),
        (b'{"model":"m","messages":[]}', "missing_required_parameter", "messages"),
        (b'{"model":"m","messages":[1],"max_tokens":0}', "invalid_parameter", "max_tokens"),
        (b'{"model":"m","messages":[1],"max_tokens":true}', "invalid_parameter", "max_tokens"),
        (b'{"model":"a","model":"b","messages":[1]}', "duplicate_parameter", "model"),
        (b'{"model":"a","mod\\u0065l":"b","messages":[1]}', "duplicate_parameter", "model"),
    ],
)
def test_what_no_backend_could_answer_is_refused(body: bytes, code: str, param: str | None) -> None:
    with pytest.raises(InvalidBody) as caught:
        parse_request(body, "chat")
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_model_name_is_made_fit_for_an_event() -> None:
    assert shown_model_name("a\0b\n" + "c" * 200) == "ab" + "c" * 126
    assert shown_model_name(None) is None

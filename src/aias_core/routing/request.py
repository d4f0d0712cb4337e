"""A client's body: read once into bytes, looked at on its top level only, changed by splicing and in no other way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

_PUNCTUATION = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]')
_OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NEEDED = {
    "chat": "messages",
    "completion": "prompt",
    "embedding": "input",
}
MODEL_NAME_LIMIT = 128


class InvalidBody(ValueError):
    """What is wrong with a body: a code of the OpenAI surface, a sentence, and the member at fault."""

    def __init__(self, code: str, message: str, param: str | None = None, model: str | None = None) -> None:
        self.code, self.message, self.param, self.model = code, message, param, model
        super().__init__(message)


class Member(NamedTuple):
    """One member of a JSON object: its key and where its text begins and ends, value included."""

    key: str
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """What the router needs to know of a body; the bytes stay as they were sent."""

    body: bytes
    members: dict[str, Member]
    model: str
    stream: bool
    wants_usage: bool
    user: str | None

    def spliced(self, served_name: str) -> bytes:
        """The body for a backend: the served name in place of the model, and the usage chunk asked for in streams."""
        edits = []
        if served_name != self.model:
            member = self.members["model"]
            edits.append((member.value_start, member.end, msgspec.json.encode(served_name)))
        if self.stream and not self.wants_usage:
            edits.append(self._ask_for_usage())
        body = self.body
        for start, end, replacement in sorted(edits, reverse=True):
            body = body[:start] + replacement + body[end:]
        return body

    def _ask_for_usage(self) -> tuple[int, int, bytes]:
        member = self.members.get("stream_options")
        if member is None:
            end = self.body.rindex(b"}")
            return end, end, b',"stream_options":{"include_usage":true}'
        options = msgspec.json.decode(self.body[member.value_start : member.end]) or {}
        return member.value_start, member.end, msgspec.json.encode({**options, "include_usage": True})


def parse_request(body: bytes, operation: str) -> InferenceRequest:
    """Reads a body. Raises InvalidBody for anything that no backend could answer."""
    try:
        values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InvalidBody("invalid_json", "The body is not a JSON object") from exc
    members: dict[str, Member] = {}
    for member in iter_members(body):
        if member.key in members:
            raise InvalidBody("duplicate_parameter", f"'{member.key}' occurs twice", member.key)
        members[member.key] = member
    model = _read(values, "model")
    if not isinstance(model, str) or not model:
        raise InvalidBody("missing_required_parameter", "'model' must be a non-empty text", "model")
    _check(values, operation, model)
    options = _read(values, "stream_options")
    user = _read(values, "user")
    return InferenceRequest(
        body,
        members,
        model,
        _read(values, "stream") is True,
        isinstance(options, dict) and options.get("include_usage") is True,
        user if isinstance(user, str) else None,
    )


def shown_model_name(name: str | None) -> str | None:
    """A name as the client sent it, fit for an event: at most 128 characters, none of them a control character."""
    return None if name is None else "".join(c for c in name if c.isprintable())[:MODEL_NAME_LIMIT]


def iter_members(body: bytes) -> Iterator[Member]:
    """The members of the outermost object of a valid JSON text, in their order."""
    depth, key, start, value_start = 0, None, 0, 0
    for token in _PUNCTUATION.finditer(body):
        mark = body[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
        if depth == 1 and mark == 0x22 and key is None:
            key, start = msgspec.json.decode(token.group(), type=str), token.start()
            value_start = _skip_space(body, body.index(b":", token.end()) + 1)
        elif key is not None and ((depth == 1 and mark == 0x2C) or depth == 0):
            yield Member(key, start, value_start, len(body[: token.start()].rstrip()))
            key = None


def _skip_space(body: bytes, at: int) -> int:
    while body[at : at + 1].isspace():
        at += 1
    return at


def _read(values: dict[str, msgspec.Raw], name: str) -> Any:
    return msgspec.json.decode(values[name]) if name in values else None


def _check(values: dict[str, msgspec.Raw], operation: str, model: str) -> None:
    needed = _NEEDED[operation]
    if bytes(values.get(needed, b"null")).strip() in (b"null", b"[]", b'""'):
        raise InvalidBody("missing_required_parameter", f"'{needed}' is missing or empty", needed, model)
    for name in _OUTPUT_LIMITS:
        limit = _read(values, name)
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise InvalidBody("invalid_parameter", f"'{name}' must be a positive whole number", name, model)

"""Server-sent events as they pass: their usage is read, and what only we asked for is taken out again by offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from aias_core.routing.request import iter_members

_DATA = b"data:"
DONE = b"data: [DONE]\n\n"


class _CachedTokens(msgspec.Struct):
    cached_tokens: int | None = None


class _ReasoningTokens(msgspec.Struct):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    """Token counts as a backend reports them."""

    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    completion_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    prompt_tokens_details: _CachedTokens | None = None
    completion_tokens_details: _ReasoningTokens | None = None

    @property
    def cached_tokens(self) -> int:
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0

    @property
    def reasoning_tokens(self) -> int:
        return (self.completion_tokens_details and self.completion_tokens_details.reasoning_tokens) or 0


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] = []
    usage: Usage | None = None


_chunks = msgspec.json.Decoder(_Chunk)


@dataclass(slots=True)
class StreamReader:
    """Takes bytes as they come and gives whole events to pass on; `[DONE]` is kept back until the end is settled."""

    pass_usage: bool
    usage: Usage | None = None
    content_chunks: int = 0
    is_done: bool = False
    is_malformed: bool = False
    _rest: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes to pass on now."""
        *events, self._rest = (self._rest + data).split(b"\n\n")
        return b"".join(self._pass(event + b"\n\n") for event in events)

    def _pass(self, event: bytes) -> bytes:
        payload = event[len(_DATA) :].strip() if event.startswith(_DATA) else b""
        if not payload:
            return event
        if payload == b"[DONE]":
            self.is_done = True
            return b""
        try:
            chunk = _chunks.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.is_malformed = True
            return event
        self.content_chunks += bool(chunk.choices)
        self.usage = chunk.usage or self.usage
        if self.pass_usage:
            return event
        if not chunk.choices and chunk.usage is not None:
            return b""
        return without_null_usage(event, payload)


def without_null_usage(event: bytes, payload: bytes) -> bytes:
    """The event without a top-level `"usage": null`, everything else byte for byte."""
    if b'"usage"' not in payload:
        return event
    for member in iter_members(payload):
        if member.key == "usage" and payload[member.value_start : member.end] == b"null":
            start, end = _with_comma(payload, member.start, member.end)
            return event.replace(payload, payload[:start] + payload[end:], 1)
    return event


def _with_comma(payload: bytes, start: int, end: int) -> tuple[int, int]:
    before = payload[:start].rstrip()
    if before.endswith(b","):
        return len(before) - 1, end
    after = payload[end:].lstrip()
    return start, len(payload) - len(after) + after.startswith(b",")


def error_event(body: bytes) -> bytes:
    """An error in the middle of a stream; the official client raises on it."""
    return _DATA + b" " + body + b"\n\n"

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.routing.stream import StreamReader

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


STREAM = (
    chunk(choices=[{"delta": {"content": '"usage": null, }'}}], usage=None)
    + b": comment\n\n"
    + chunk(usage=None, choices=[{"delta": {"content": "b"}}])
    + chunk(choices=[], usage=USAGE)
    + b"data: [DONE]\n\n"
)
STRIPPED = (
    chunk(choices=[{"delta": {"content": '"usage": null, }'}}])
    + b": comment\n\n"
    + chunk(choices=[{"delta": {"content": "b"}}])
)


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=8))
@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_passes_unchanged_but_for_what_we_asked_for(asked: bool, cuts: list[int]) -> None:
    reader = StreamReader(pass_usage=asked)
    edges = [0, *sorted(cuts), len(STREAM)]
    passed = b"".join(reader.feed(STREAM[a:b]) for a, b in pairwise(edges))
    expected = STREAM.removesuffix(b"data: [DONE]\n\n") if asked else STRIPPED
    assert passed.replace(b"{ ", b"{") == expected
    assert reader.is_done
    assert reader.usage is not None
    assert (reader.usage.prompt_tokens, reader.usage.completion_tokens, reader.content_chunks) == (3, 2, 2)


def test_a_stream_that_is_cut_is_not_done() -> None:
    reader = StreamReader(pass_usage=False)
    reader.feed(chunk(choices=[{"delta": {}}]) + b"data: {")
    assert not reader.is_done
    assert reader.usage is None


def test_a_chunk_that_is_not_json_is_noticed() -> None:
    reader = StreamReader(pass_usage=False)
    reader.feed(b"data: {oops\n\n")
    assert reader.is_malformed

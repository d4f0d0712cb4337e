"""What the mock says: the same bytes for the same request and seed, with token counts that can be predicted.

A token is a word between spaces or one punctuation mark. The answer echoes the last user message unless a pattern
has an answer of its own.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SCRIPTED = ((re.compile(r"capital of france", re.I), "The capital of France is Paris."),)
EMBEDDING_SIZE = 16
CREATED = 1_767_225_600


@dataclass(frozen=True, slots=True)
class Answer:
    """A text as its tokens, each with the spaces before it, and what it cost."""

    identifier: str
    pieces: list[str]
    prompt_tokens: int
    finish_reason: str

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def usage(self) -> dict[str, int]:
        completion = len(self.pieces)
        total = self.prompt_tokens + completion
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": completion, "total_tokens": total}


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))


def answer_to(prompt: str, last: str, limit: int | None, seed: Any) -> Answer:
    """The answer to the last message of a prompt, cut after `limit` tokens."""
    text = next((scripted for pattern, scripted in _SCRIPTED if pattern.search(last)), last)
    pieces = _split(text)
    cut = limit is not None and limit < len(pieces)
    identifier = hashlib.sha256(repr((prompt, limit, seed)).encode()).hexdigest()[:24]
    return Answer(identifier, pieces[:limit], count_tokens(prompt), "length" if cut else "stop")


def text_of(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """All text of a conversation, and that of its last user message; parts that are not text count nothing."""
    texts = [_content_text(message.get("content")) for message in messages]
    users = [text for message, text in zip(messages, texts, strict=True) if message.get("role") == "user"]
    return "\n".join(texts), (users or texts)[-1]


def embed(text: str) -> list[float]:
    """A unit vector from the hash of a text."""
    digest = hashlib.sha256(text.encode()).digest()
    values = [byte - 127.5 for byte in digest[:EMBEDDING_SIZE]]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


def _split(text: str) -> list[str]:
    return list(_iter_pieces(text))


def _iter_pieces(text: str) -> Iterator[str]:
    start = 0
    for match in _TOKEN.finditer(text):
        yield text[start : match.end()]
        start = match.end()


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))

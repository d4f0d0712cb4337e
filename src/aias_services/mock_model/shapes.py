"""How an answer is laid out: whole or in chunks, for each of OpenAI's routes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from aias_services.mock_model.answers import CREATED, Answer

Parts = list[tuple[dict[str, Any], str | None]]


class Shape(ABC):
    """One layout. A part is what one chunk adds, with the reason to finish in the last."""

    object_name: str
    chunk_name: str
    prefix: str

    def __init__(self, model: str, answer: Answer) -> None:
        self._model, self._answer = model, answer

    def base(self) -> dict[str, Any]:
        """What every chunk begins with."""
        identifier = f"{self.prefix}-{self._answer.identifier}"
        return {"id": identifier, "object": self.chunk_name, "created": CREATED, "model": self._model}

    def whole(self) -> dict[str, Any]:
        """The answer at once, with its usage."""
        choice = {"index": 0, "finish_reason": self._answer.finish_reason, "logprobs": None, **self.content()}
        return {**self.base(), "object": self.object_name, "choices": [choice], "usage": self._answer.usage}

    def chunks(self, *, with_null_usage: bool) -> list[dict[str, Any]]:
        """The answer in pieces; engines that are asked for usage send `"usage": null` until the last."""
        more = {"usage": None} if with_null_usage else {}
        parts = [*self.parts(), ({}, self._answer.finish_reason)]
        return [
            {**self.base(), "choices": [{"index": 0, **self.part(part), "finish_reason": reason}], **more}
            for part, reason in parts
        ]

    def parts(self) -> Parts:
        return [({"content": piece}, None) for piece in self._answer.pieces]

    @abstractmethod
    def content(self) -> dict[str, Any]: ...

    @abstractmethod
    def part(self, part: dict[str, Any]) -> dict[str, Any]: ...


class ChatShape(Shape):
    """`/v1/chat/completions`"""

    object_name, chunk_name, prefix = "chat.completion", "chat.completion.chunk", "chatcmpl"

    def content(self) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": self._answer.text, "refusal": None}}

    def part(self, part: dict[str, Any]) -> dict[str, Any]:
        return {"delta": part}

    def parts(self) -> Parts:
        return [({"role": "assistant", "content": ""}, None), *super().parts()]


class TextShape(Shape):
    """`/v1/completions`"""

    object_name, chunk_name, prefix = "text_completion", "text_completion", "cmpl"

    def content(self) -> dict[str, Any]:
        return {"text": self._answer.text}

    def part(self, part: dict[str, Any]) -> dict[str, Any]:
        return {"text": part.get("content", "")}

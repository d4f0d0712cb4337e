"""Faults on demand: which answer fails, and how. Set and cleared through the ops port."""

from __future__ import annotations

from collections import deque
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CAPTURED = 1000


class Fault(BaseModel):
    """One fault for the next `times` requests, or for all until cleared."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["status", "hang", "cut", "no_usage", "bad_json"]
    status: Annotated[int, Field(ge=400, le=599)] = 500
    after_chunks: Annotated[int, Field(ge=0)] = 1
    times: Annotated[int, Field(ge=1)] | None = None


class Captured(BaseModel):
    """What is remembered of a request: never its content."""

    request_id: str | None
    model: str
    stream: bool
    body_bytes: int


class Control:
    """The faults in force and the requests seen."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.requests: deque[Captured] = deque(maxlen=CAPTURED)

    def take_fault(self) -> Fault | None:
        """The fault of this request, used up when it has a number of times."""
        if not self.faults:
            return None
        fault = self.faults[0]
        if fault.times is not None:
            self.faults[0] = fault.model_copy(update={"times": fault.times - 1})
            if fault.times == 1:
                self.faults.pop(0)
        return fault

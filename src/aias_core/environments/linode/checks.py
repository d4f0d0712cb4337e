"""One thing that was looked at before an environment is changed, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from aias_core.errors import AiasError


@dataclass(frozen=True, slots=True)
class Check:
    """`error` is what stands in the way; a `warning` does not, and neither does what is `unknown`."""

    name: str
    verdict: Literal["ok", "warning", "unknown", "failed"]
    detail: str
    error: AiasError | None = None

    def as_record(self) -> dict[str, Any]:
        return {"name": self.name, "verdict": self.verdict, "detail": self.detail}


def passed(name: str, detail: str) -> Check:
    return Check(name, "ok", detail)


def warned(name: str, detail: str) -> Check:
    return Check(name, "warning", detail)


def unknown(name: str, detail: str) -> Check:
    return Check(name, "unknown", detail)


def failed(name: str, error: AiasError) -> Check:
    return Check(name, "failed", error.message, error)


def find_fault(checks: Iterable[Check]) -> AiasError | None:
    """The first error, with the others named in its message; None when nothing stands in the way."""
    errors = [check.error for check in checks if check.error is not None]
    if len(errors) < 2:
        return errors[0] if errors else None
    return type(errors[0])("; ".join(error.message for error in errors), hint=errors[0].hint)

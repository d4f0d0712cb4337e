"""What the linter says about a place in a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A rule broken at a place: what and why in `message`, the form to use instead in `safer`."""

    file: str
    line: int
    rule: str
    message: str
    safer: str
    severity: Severity = "error"

    def as_record(self) -> dict[str, Any]:
        return {"place": f"{self.file}:{self.line}", **asdict(self)}

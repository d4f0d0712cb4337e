"""Findings: what is wrong with a profile, where it is written, and what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `line` counts from 1 and is 0 where there is no file, as for `--set`."""

    rule: str
    key: str
    problem: str
    fix: str
    file: str
    line: int
    severity: Severity = "error"

    def as_record(self) -> dict[str, Any]:
        return asdict(self)

    def format(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.key}: {self.problem} ({place})" if self.key else f"{self.problem} ({place})"


def find_errors(findings: Iterable[Finding]) -> list[Finding]:
    """Those that make a profile unusable."""
    return [finding for finding in findings if finding.severity == "error"]

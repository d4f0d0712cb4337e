"""What every rule gets: the profile, where its values are written, and a place for what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from aias_core.environments.assembly import SHIPPED, Assembly
from aias_core.environments.components import Component
from aias_core.environments.findings import Finding
from aias_core.environments.schema import Profile

P = TypeVar("P", bound=Profile)


@dataclass
class Inspection(Generic[P]):
    """One profile under inspection; the rules add to `findings`."""

    profile: P
    assembly: Assembly
    registry: dict[str, Component]
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, rule: str, path: Sequence[str | int], problem: str, fix: str) -> None:
        self.findings.append(self.assembly.find_fault(rule, path, problem, fix))

    def warn(self, rule: str, path: Sequence[str | int], problem: str, fix: str) -> None:
        self.findings.append(replace(self.assembly.find_fault(rule, path, problem, fix), severity="warning"))

    def extends(self, name: str) -> bool:
        """Whether a profile is among what this one is put together from."""
        return any(Path(layer.source).stem == name for layer in self.assembly.layers)

    def is_own(self, path: Sequence[str | int]) -> bool:
        """Whether the user, and not what ships, says something about a value."""
        return any(layer.sets(path) for layer in self.assembly.layers if Path(layer.source).parent != SHIPPED)

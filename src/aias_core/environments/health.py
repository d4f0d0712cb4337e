"""The health of an environment, `aias.health/1`: one object, printed as a table or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from aias_core import clock
from aias_core.errors import AiasError, TimedOut


class Unhealthy(AiasError):
    """The environment is not healthy"""

    code = "unhealthy"


class State(StrEnum):
    """How a component is, from best to worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    STARTING = "starting"
    STOPPED = "stopped"
    UNHEALTHY = "unhealthy"
    CRASHED = "crashed"


_RANK = {state: rank for rank, state in enumerate(State)}
_WORKING = (State.HEALTHY, State.DEGRADED)


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """One component: how it is, why, and what it uses. `timed_out`: its probe did not end in time."""

    name: str
    state: State
    latency_ms: float | None = None
    since: str | None = None
    version: str | None = None
    detail: str = ""
    causes: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    pid: int | None = None
    restarts: int = 0
    memory_mib: int | None = None
    managed: bool = True
    timed_out: bool = False

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state.value,
            "latency_ms": self.latency_ms,
            "since": self.since,
            "version": self.version,
            "managed": self.managed,
            "detail": self.detail,
            "causes": list(self.causes),
            "port": self.ports.get("main"),
            "ports": dict(self.ports),
            "pid": self.pid,
            "restarts": self.restarts,
            "memory_mib": self.memory_mib,
        }


@dataclass(frozen=True, slots=True)
class Health:
    """An environment at an instant."""

    environment: str
    at: datetime
    components: Sequence[ComponentHealth]
    warnings: Sequence[str] = ()
    mode: str = "local"

    @property
    def state(self) -> State:
        """The worst state of all components."""
        return max((component.state for component in self.components), key=_RANK.__getitem__, default=State.STOPPED)

    def find_fault(self) -> AiasError | None:
        """Why it is not healthy, in one sentence; TimedOut when a probe did not end in time."""
        if self.state is State.HEALTHY:
            return None
        if self.state is State.STOPPED:
            up = "aias env up" if self.environment == "local" else f"aias env up {self.environment}"
            return Unhealthy(f"The environment '{self.environment}' is not up", hint=f"bring it up with: {up}")
        roots = [c for c in self.components if c.state is not State.HEALTHY and not c.causes]
        named = "; ".join(f"'{c.name}' is {c.state}{f', {c.detail}' if c.detail else ''}" for c in roots)
        kind = TimedOut if any(component.timed_out for component in self.components) else Unhealthy
        return kind(
            f"The environment '{self.environment}' is {self.state}: {named}",
            hint=self._hint(roots),
        )

    def _hint(self, roots: Sequence[ComponentHealth]) -> str | None:
        if self.mode != "local":
            return f"see what Linode says: aias env events {self.environment}"
        return f"read its log with: aias env logs {roots[0].name}" if roots else None

    def as_record(self) -> dict[str, Any]:
        """Without the name of its schema. A component that fails because of another is not listed as unhealthy."""
        failing = [c for c in self.components if c.state not in _WORKING and not c.causes]
        return {
            "environment": self.environment,
            "mode": self.mode,
            "workspace": None,
            "at": clock.format_instant(self.at),
            "components": [component.as_record() for component in self.components],
            "summary": {
                "state": self.state.value,
                "latency_p95_ms": _p95([c.latency_ms for c in self.components if c.latency_ms is not None]),
                "unhealthy": [component.name for component in failing],
                "degraded": [c.name for c in self.components if c.state is State.DEGRADED],
            },
            "workspace_expiry": None,
            "warnings": list(self.warnings),
        }


def with_causes(
    components: Sequence[ComponentHealth], depends_on: Mapping[str, Sequence[str]]
) -> list[ComponentHealth]:
    """The same components, each that does not work naming the failed ones at the root of it."""
    by_name = {component.name: component for component in components}

    def find_roots(name: str, seen: frozenset[str]) -> list[str]:
        roots: list[str] = []
        for needed in depends_on.get(name, ()):
            if needed in seen or needed not in by_name or by_name[needed].state is State.HEALTHY:
                continue
            roots += find_roots(needed, seen | {needed}) or [needed]
        return roots

    return [
        component
        if component.state in (State.HEALTHY, State.STOPPED, State.CRASHED)
        else replace(component, causes=tuple(dict.fromkeys(find_roots(component.name, frozenset({component.name})))))
        for component in components
    ]


def _p95(values: list[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]

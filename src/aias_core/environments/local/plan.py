"""The plan of a process: what the supervisor is told to run. It travels through `run/plan.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aias_core.accounts import Account

PLAN_RECORD = "plan.json"
PORTS_RECORD = "ports.json"


@dataclass(frozen=True, slots=True)
class Liveness:
    """How the supervisor asks whether a component is alive: an HTTP path, or PostgreSQL's greeting."""

    port: int
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """One program that the supervisor runs."""

    name: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    log_format: str
    stop_signal: int
    stop_seconds: float
    stop_level: int
    liveness: Liveness
    account: Account | None = None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ProcessPlan:
        fields = dict(record)
        account = fields.pop("account")
        liveness = Liveness(**fields.pop("liveness"))
        return cls(**fields, liveness=liveness, account=None if account is None else Account(**account))

"""Named probes behind `/readyz`: in parallel, half a second each, the answer kept for a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PROBE_SECONDS = 0.5
KEPT_SECONDS = 1.0
Facts = Mapping[str, Any]
Probe = Callable[[], Awaitable[Facts]]


@dataclass(slots=True)
class Health:
    """The probes of one service. A probe returns facts to show, such as a lag, and raises when it fails."""

    probes: dict[str, tuple[Probe, bool]] = field(default_factory=dict)
    draining: bool = False
    _answer: dict[str, Any] = field(default_factory=dict)
    _answered_at: float = float("-inf")

    def add(self, name: str, probe: Probe, *, critical: bool = True) -> None:
        """Adds a probe; while a critical one fails the service is not ready."""
        self.probes[name] = (probe, critical)

    async def read(self) -> dict[str, Any]:
        """`{status, checks}` with status `ok`, `degraded`, `unavailable` or `draining`; no addresses, no error text."""
        if time.monotonic() - self._answered_at > KEPT_SECONDS:
            results = await asyncio.gather(*(_run(*probe) for probe in self.probes.values()))
            self._answer = dict(zip(self.probes, results, strict=True))
            self._answered_at = time.monotonic()
        return {"status": self._status(), "checks": self._answer}

    def _status(self) -> str:
        if self.draining:
            return "draining"
        failed = [check["critical"] for check in self._answer.values() if not check["ok"]]
        return "unavailable" if any(failed) else "degraded" if failed else "ok"


async def _run(probe: Probe, critical: bool) -> dict[str, Any]:
    started = time.monotonic()
    facts: Facts
    try:
        facts, code = await asyncio.wait_for(probe(), PROBE_SECONDS), "ok"
    except TimeoutError:
        facts, code = {}, "timed_out"
    except Exception:
        facts, code = {}, "failed"
    latency = round((time.monotonic() - started) * 1000, 1)
    return {"ok": code == "ok", "critical": critical, "latency_ms": latency, "code": code, **facts}

"""Which backend answers: two candidates drawn by weight, the one with less to do wins; failing ones are left alone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aias_core.routing.registry import Backend

FAILURES_TO_OPEN = 3
OPEN_SECONDS = 2.0
ATTEMPTS = 3


@dataclass(slots=True)
class BackendState:
    """What this process knows of one backend."""

    in_flight: int = 0
    failures: int = 0
    open_until: float = float("-inf")

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES_TO_OPEN


@dataclass(slots=True)
class Balancer:
    """Chooses backends and learns from how they answer. Safe for one event loop."""

    generator: random.Random = field(default_factory=random.Random)
    now: Callable[[], float] = time.monotonic
    states: dict[str, BackendState] = field(default_factory=dict)

    def choose(self, backends: Sequence[Backend], tried: Sequence[str] = ()) -> Backend | None:
        """A backend that was not tried and whose breaker lets a request through; None when there is none."""
        usable = [b for b in backends if b.name not in tried and self._lets_through(b.name)]
        if not usable:
            return None
        drawn = self.generator.choices(usable, [b.weight for b in usable], k=2)
        chosen = min(drawn, key=lambda b: self.state(b.name).in_flight / b.weight)
        if self.state(chosen.name).is_open:
            self.state(chosen.name).open_until = self.now() + OPEN_SECONDS
        return chosen

    def began(self, name: str) -> None:
        """A request was sent to a backend."""
        self.state(name).in_flight += 1

    def ended(self, name: str, *, failed: bool, refused: bool = False) -> None:
        """A request to a backend ended; a refused connection opens its breaker at once."""
        state = self.state(name)
        state.in_flight -= 1
        if not failed:
            state.failures = 0
            return
        state.failures = FAILURES_TO_OPEN if refused else state.failures + 1
        if state.is_open:
            state.open_until = self.now() + OPEN_SECONDS

    def state(self, name: str) -> BackendState:
        """The state of a backend, fresh when it was never used."""
        return self.states.setdefault(name, BackendState())

    def _lets_through(self, name: str) -> bool:
        state = self.state(name)
        return not state.is_open or self.now() >= state.open_until

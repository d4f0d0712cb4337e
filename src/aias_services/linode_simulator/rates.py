"""The published ceilings of calls, per token: what is left of them is told with every answer."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field

from aias_services.linode_simulator.refusals import Refusal, refuse


@dataclass(frozen=True, slots=True, order=True)
class Ceiling:
    """At most so many calls of a class in any span of so many seconds."""

    name: str
    calls: int
    seconds: float


LISTS = (Ceiling("lists", 200, 60),)
OTHERS = (Ceiling("others", 1_600, 60),)
SPECIAL: tuple[tuple[str, str, tuple[Ceiling, ...]], ...] = (
    ("POST", r"/linode/instances", (Ceiling("instances", 20, 15),)),
    ("POST", r"/volumes", (Ceiling("volumes", 100, 60),)),
    ("POST", r"/images", (Ceiling("images", 20, 60),)),
    ("(POST|PUT|DELETE)", r"/linode/stackscripts.*", (Ceiling("stackscripts", 60, 60),)),
    (
        "(POST|PUT|DELETE)",
        r"/object-storage/(keys|buckets).*",
        (Ceiling("object storage by second", 5, 1), Ceiling("object storage", 60, 60)),
    ),
)


def find_ceilings(method: str, path: str, *, paginated: bool) -> tuple[Ceiling, ...]:
    """The ceilings that a call counts against."""
    for methods, pattern, ceilings in SPECIAL:
        if re.fullmatch(methods, method) and re.fullmatch(pattern, path):
            return ceilings
    return LISTS if paginated and method == "GET" else OTHERS


@dataclass(slots=True)
class Rates:
    """The calls of the last minute, and how often a ceiling was met."""

    _calls: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))
    most: dict[str, int] = field(default_factory=dict)
    breaches: dict[str, int] = field(default_factory=dict)

    def count(self, token: str, ceilings: tuple[Ceiling, ...], now: float, *, enforce: bool) -> Refusal | None:
        """Counts a call; the refusal (429) of one above a ceiling that is enforced."""
        for ceiling in ceilings:
            calls = self._recent(token, ceiling, now)
            if len(calls) >= ceiling.calls:
                self.breaches[ceiling.name] = self.breaches.get(ceiling.name, 0) + 1
                if enforce:
                    return refuse("Too many requests", status=429)
            calls.append(now)
            self.most[ceiling.name] = max(self.most.get(ceiling.name, 0), len(calls))
        return None

    def clear(self) -> None:
        """Forgets every call: after a reset, a new token may have the number of an old one."""
        for kept in (self._calls, self.most, self.breaches):
            kept.clear()

    def headers(self, token: str, ceilings: tuple[Ceiling, ...], now: float) -> dict[str, str]:
        """What is left of the tightest ceiling, and how long until a call is free again."""
        left, wait, ceiling = min(self._left(token, ceiling, now) for ceiling in ceilings)
        return {
            "X-RateLimit-Limit": str(ceiling.calls),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Reset": str(int(now + wait) + 1),
            "Retry-After": str(int(wait) + 1),
        }

    def _left(self, token: str, ceiling: Ceiling, now: float) -> tuple[int, float, Ceiling]:
        calls = self._recent(token, ceiling, now)
        return ceiling.calls - len(calls), calls[0] + ceiling.seconds - now if calls else 0.0, ceiling

    def _recent(self, token: str, ceiling: Ceiling, now: float) -> deque[float]:
        calls = self._calls[(token, ceiling.name)]
        while calls and calls[0] <= now - ceiling.seconds:
            calls.popleft()
        return calls

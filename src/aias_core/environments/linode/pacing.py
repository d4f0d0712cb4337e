"""How calls are spread, so that no published ceiling is met: https://techdocs.akamai.com/linode-api/reference/rate-limits"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aias_core import clock

# Of a ceiling so much may come at once and so much by and by; what is left is for others who use the same token.
_BURST_SHARE, _STEADY_SHARE = 0.4, 0.5

Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and the pauses of a client; a test passes its own."""

    now: Callable[[], float] = clock.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Allowance:
    """Calls of one class: at most 90 % of `calls` in any span of `seconds`."""

    calls: int
    seconds: float
    _free_at: float = 0.0
    _blocked_until: float = 0.0

    def wait_seconds(self, now: float) -> float:
        """How long the next call has to wait."""
        burst = self.calls * _BURST_SHARE - 1
        return max(0.0, self._free_at - burst * self._interval - now, self._blocked_until - now)

    def take(self, now: float) -> None:
        """Counts a call."""
        self._free_at = max(self._free_at, now) + self._interval

    def block(self, now: float, seconds: float) -> None:
        """Lets nothing through for so long; never longer than the span, whatever a clock elsewhere says."""
        self._blocked_until = now + min(seconds, self.seconds)

    @property
    def _interval(self) -> float:
        return self.seconds / (self.calls * _STEADY_SHARE)


_OBJECT_STORAGE = r"/object-storage/(keys|buckets).*"


def _allowances() -> dict[str, tuple[Allowance, ...]]:
    return {
        "lists": (Allowance(200, 60),),
        "others": (Allowance(1_600, 60),),
        "instances": (Allowance(20, 15),),
        "volumes": (Allowance(100, 60),),
        "object storage": (Allowance(5, 1), Allowance(60, 60)),
    }


def classify(method: str, path: str, *, is_list: bool) -> str:
    """The class of ceilings that a call counts against; `path` is without version."""
    if method == "POST" and path == "/linode/instances":
        return "instances"
    if method == "POST" and path == "/volumes":
        return "volumes"
    if method != "GET" and re.fullmatch(_OBJECT_STORAGE, path):
        return "object storage"
    return "lists" if is_list else "others"


@dataclass(slots=True)
class Pace:
    """Holds each call back until its class has room, by what is published and by what the last answer told.

    `tell` hears for how many seconds, and why.
    """

    timing: Timing
    tell: Tell
    _allowances: dict[str, tuple[Allowance, ...]] = field(default_factory=_allowances)

    def wait_for_turn(self, kind: str) -> None:
        """Returns when a call of this class may be sent, and counts it."""
        allowances = self._allowances[kind]
        if wait := max(one.wait_seconds(self.timing.now()) for one in allowances):
            self.tell(wait, "to stay below the rate of calls that it publishes")
            self.timing.sleep(wait)
        for one in allowances:
            one.take(self.timing.now())

    def learn(self, kind: str, headers: Mapping[str, str]) -> None:
        """Takes over the ceiling that an answer tells, and waits for its reset when nothing is left of it."""
        told, left = headers.get("X-RateLimit-Limit", ""), headers.get("X-RateLimit-Remaining", "")
        allowances = self._allowances[kind]
        if told.isdecimal() and int(told) > 0 and len(allowances) == 1:
            allowances[0].calls = int(told)
        if left == "0":
            for one in allowances:
                one.block(self.timing.now(), _reset_seconds(headers, one.seconds))


def _reset_seconds(headers: Mapping[str, str], longest: float) -> float:
    reset = headers.get("X-RateLimit-Reset", "")
    return float(reset) - clock.now().timestamp() if reset.isdecimal() else longest

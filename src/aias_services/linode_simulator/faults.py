"""Scripted failures: which call, how often, and what happens to it before or after it took effect."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import msgspec

from aias_services.linode_simulator.lifecycle import FREE, Hold
from aias_services.linode_simulator.refusals import Refusal, refuse

HANG_SECONDS = 30.0


class FaultRule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Fails the `nth` matching call and the `times` - 1 after it. `*` in a path is one segment, `**` any."""

    kind: str
    method: str = "*"
    path: str = "**"
    nth: int = 1
    times: int = 1
    seconds: float | None = None
    retry_after: str | None = "1"
    reason: str | None = None
    after: bool = False
    seen: int = 0

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and re.fullmatch(_pattern(self.path), path) is not None

    @property
    def hits(self) -> bool:
        """Whether the call just seen is one to fail."""
        return self.nth <= self.seen < self.nth + self.times

    @property
    def is_spent(self) -> bool:
        return self.seen >= self.nth + self.times - 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one call: whether it takes effect, what is waited for, whether and how it is answered."""

    effect: bool = True
    seconds: float = 0.0
    cut: bool = False
    refusal: Refusal | None = None
    retry_after: str | None = None
    malformed: bool = False
    hold: Hold = FREE
    linger: float = 0.0
    revoked: bool = False
    shut_out: bool = False
    shifted: bool = False


NORMAL = Outcome()

KINDS = {
    "timeout_before": Outcome(effect=False, seconds=HANG_SECONDS, cut=True),
    "timeout_after": Outcome(seconds=HANG_SECONDS, cut=True),
    "dropped": Outcome(effect=False, cut=True),
    "lost_answer": Outcome(cut=True),
    "slow": Outcome(seconds=5.0),
    "malformed": Outcome(malformed=True),
    "partial_pool": Outcome(hold=Hold(unready=1)),
    "short_pool": Outcome(hold=Hold(missing=1)),
    "stuck": Outcome(hold=Hold(whole=True)),
    "linger": Outcome(linger=60.0),
    "revoked": Outcome(revoked=True),
    "wrong_acl": Outcome(shut_out=True),
    "pages_change": Outcome(shifted=True),
}
STATUSES = {
    "400": "Account Limit reached. Please open a support ticket.",
    "401": "Invalid Token",
    "408": "Please try again",
    "429": "Too many requests",
    "500": "Internal Server Error",
    "502": "Bad Gateway",
    "503": "Service Unavailable",
    "504": "Gateway Timeout",
}


def check_rule(rule: FaultRule) -> None:
    """Raises Refusal for a kind that there is not."""
    if rule.kind not in KINDS and rule.kind not in STATUSES:
        raise refuse(f"Must be one of {', '.join([*KINDS, *STATUSES])}", "kind")


def next_outcome(rules: list[FaultRule], method: str, path: str) -> Outcome:
    """Counts the call on every rule that matches; the first that hits decides."""
    hit = None
    for rule in rules:
        if rule.matches(method, path):
            rule.seen += 1
            hit = hit or (rule if rule.hits else None)
    return _outcome(hit) if hit else NORMAL


def _outcome(rule: FaultRule) -> Outcome:
    if rule.kind in STATUSES:
        refusal = refuse(rule.reason or STATUSES[rule.kind], status=int(rule.kind))
        retry = rule.retry_after if rule.kind in ("408", "429", "503") else None
        return Outcome(effect=rule.after, seconds=rule.seconds or 0.0, refusal=refusal, retry_after=retry)
    outcome = KINDS[rule.kind]
    if rule.seconds is None:
        return outcome
    if outcome.linger:
        return replace(outcome, linger=rule.seconds)
    if outcome.hold is not FREE:
        return replace(outcome, hold=replace(outcome.hold, seconds=rule.seconds))
    return replace(outcome, seconds=rule.seconds)


def _pattern(path: str) -> str:
    return re.escape(path).replace(r"\*\*", ".*").replace(r"\*", "[^/]+")

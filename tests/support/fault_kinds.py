"""The ways in which a call to the fake Linode fails in a campaign, and for which calls each of them means anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aias_services.linode_simulator import faults

# What is said of a list of several pages, and of who may reach a cluster: neither is the failure of one call.
LEFT_OUT = {"pages_change", "wrong_acl"}
SIMULATED = (faults.KINDS.keys() | faults.STATUSES.keys()) - LEFT_OUT
CLUSTERS = r"/lke/clusters"
POOLS = rf"{CLUSTERS}(/\d+/pools)?"
SLOWLY_MADE = rf"{POOLS}|/databases/postgresql/instances"
# Longer than any client waits for an answer, and than anything is waited for to be gone.
TOO_SLOW_SECONDS, TOO_LONG_SECONDS = 90, 310
SOME_SECONDS = 300
Meant = Callable[[str, str], bool]


def _anywhere(method: str, path: str) -> bool:
    return True


def _posts(pattern: str) -> Meant:
    return lambda method, path: method == "POST" and re.fullmatch(pattern, path) is not None


def _deletes(method: str, path: str) -> bool:
    return method == "DELETE" and not path.startswith("/kubernetes/")


@dataclass(frozen=True)
class Way:
    """A rule of the fake without its call, and the calls, as method and path, for which it is meant."""

    rule: Mapping[str, Any]
    is_meant: Meant = _anywhere


# Failing once is not enough where a client repeats by itself: these outlast it.
WAYS = {
    "timeout before": Way({"kind": "timeout_before"}),
    "timeout after": Way({"kind": "timeout_after"}),
    "lost answer": Way({"kind": "lost_answer"}),
    "dropped": Way({"kind": "dropped"}),
    "slow": Way({"kind": "slow"}),
    "too slow": Way({"kind": "slow", "seconds": TOO_SLOW_SECONDS}),
    "malformed": Way({"kind": "malformed"}),
    "revoked": Way({"kind": "revoked"}),
    "400": Way({"kind": "400"}, _posts(r"(?!/kubernetes/).*")),
    "401": Way({"kind": "401"}),
    "408": Way({"kind": "408", "times": 11, "retry_after": "3"}),
    "429": Way({"kind": "429", "times": 11, "retry_after": "7"}),
    "500": Way({"kind": "500", "times": 2}),
    "500 after": Way({"kind": "500", "after": True}),
    "502": Way({"kind": "502", "times": 2}),
    "503": Way({"kind": "503", "times": 11, "retry_after": "2"}),
    "504 after": Way({"kind": "504", "after": True}),
    "partial pool": Way({"kind": "partial_pool"}, _posts(POOLS)),
    "partial pool for a while": Way({"kind": "partial_pool", "seconds": SOME_SECONDS}, _posts(POOLS)),
    "short pool": Way({"kind": "short_pool"}, _posts(POOLS)),
    "stuck": Way({"kind": "stuck"}, _posts(SLOWLY_MADE)),
    "stuck for a while": Way({"kind": "stuck", "seconds": SOME_SECONDS}, _posts(SLOWLY_MADE)),
    "linger": Way({"kind": "linger"}, _deletes),
    "linger too long": Way({"kind": "linger", "seconds": TOO_LONG_SECONDS}, _deletes),
}


def list_ways(method: str, path: str) -> list[str]:
    """The ways in which this call may fail."""
    return [name for name, way in WAYS.items() if way.is_meant(method, path)]

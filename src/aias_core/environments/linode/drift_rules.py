"""How much each change that was made outside of us weighs: what Linode writes itself is none, the rest has a rule.

An attribute without a rule is major: nobody has said yet that it is harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from aias_core.environments.linode.adoption import CLUSTER, DATABASE, FIREWALL, VPC

Severity = Literal["none", "minor", "major"]
ORDER: tuple[Severity, ...] = ("none", "minor", "major")
_RULES: tuple[tuple[str, str, Severity], ...] = (
    ("*", "created", "none"),
    ("*", "updated", "none"),
    ("*", "status", "none"),
    (CLUSTER, "api_endpoints*", "none"),
    (CLUSTER, "kubeconfig", "none"),
    (DATABASE, "members*", "none"),
    (DATABASE, "host_*", "none"),
    (DATABASE, "pending_updates*", "none"),
    # A VPC bears no tags: its description is what says whose it is.
    (VPC, "description", "major"),
    ("*", "description", "minor"),
    (FIREWALL, "*bound.*.label", "minor"),
    (FIREWALL, "*bound.*.description", "minor"),
)
_MEANT = ("aias", "env:", "managed-by:", "pool:")


@dataclass(frozen=True, slots=True)
class AttributeDrift:
    """One value that is not what it was; `path` names it, with the label of a pool or the place in a list."""

    path: str
    before: Any
    after: Any
    severity: Severity

    def as_record(self) -> dict[str, Any]:
        return {"path": self.path, "before": self.before, "after": self.after, "severity": self.severity}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What moves by itself: instances and NodeBalancers of the account, those of the cluster, its nodes' addresses."""

    existing: frozenset[int] = frozenset()
    own: frozenset[int] = frozenset()
    nodes: frozenset[int] = frozenset()
    addresses: frozenset[str] = frozenset()


def worst(severities: Iterator[Severity]) -> Severity:
    """The heaviest of them, `none` of nothing."""
    return max(severities, key=ORDER.index, default="none")


def compare_attributes(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], around: Surroundings
) -> list[AttributeDrift]:
    """The attributes of one resource that differ and weigh something."""
    old, new = _settle(kind, before, after, around)
    found = (_grade(kind, path, old.get(path), new.get(path)) for path in sorted({*old, *new}))
    return [one for one in found if one.before != one.after and one.severity != "none"]


def _grade(kind: str, path: str, before: Any, after: Any) -> AttributeDrift:
    found = AttributeDrift(path, before, after, _weigh(kind, path))
    return replace(found, severity="major") if is_disowned(found) else found


def is_disowned(one: AttributeDrift) -> bool:
    """Whether a tag is gone by which we know what is ours; then `up` takes it for somebody else's."""
    lost = {*(one.before or ())} - {*(one.after or ())} if _is_tags(one.path) else set()
    return any(tag.startswith(_MEANT) for tag in lost)


def _is_tags(path: str) -> bool:
    return path.rpartition(".")[2] == "tags"


def _weigh(kind: str, path: str) -> Severity:
    if _is_tags(path):
        return "minor"
    rules = (severity for on, name, severity in _RULES if fnmatchcase(kind, on) and fnmatchcase(path, name))
    return next(rules, "major")


def _settle(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], around: Surroundings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides as paths, without what a cluster does by itself: scale within its bounds, come and go behind them."""
    old, new = dict(before), dict(after)
    match kind:
        case "linode_lke_cluster":
            old["pool"], new["pool"] = (_key_pools(side.get("pool")) for side in (old, new))
        case "linode_lke_node_pool":
            old, new = _settle_pool(old, "node_count"), _settle_pool(new, "node_count")
        case "linode_firewall":
            _settle_devices(old, new, around)
        case "linode_database_postgresql_v2":
            # The addresses of nodes change with them, and the list follows.
            if {str(one).removesuffix("/32") for one in new.get("allow_list") or ()} == around.addresses:
                new["allow_list"] = old.get("allow_list")
    return dict(_flatten(old)), dict(_flatten(new))


def _key_pools(pools: Any) -> dict[str, Any]:
    return {str(pool.get("label") or pool.get("id")): _settle_pool(pool, "count") for pool in pools or ()}


def _settle_pool(pool: Mapping[str, Any], count: str) -> dict[str, Any]:
    settled = {name: value for name, value in pool.items() if name != "nodes"}
    bounds = next(iter(pool.get("autoscaler") or ()), None)
    if bounds and bounds["min"] <= (pool.get(count) or 0) <= bounds["max"]:
        settled[count] = None
    return settled


def _settle_devices(old: dict[str, Any], new: dict[str, Any], around: Surroundings) -> None:
    for name in ("linodes", "nodebalancers"):
        was, now = set(old.get(name) or ()), set(new.get(name) or ())
        old[name] = sorted(was & (around.existing | now))
        new[name] = sorted(now - (around.own - was))
    old.pop("devices", None)
    new.pop("devices", None)


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Values by path; a list of plain values is one, without an order where nothing depends on it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _flatten(one, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value):
            yield from _flatten(one, f"{path}.{place}")
    elif value not in (None, [], {}):
        yield path, sorted(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value

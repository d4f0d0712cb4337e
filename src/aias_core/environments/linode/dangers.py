"""What of a plan could hurt: each danger is confirmed by the name of its resource, never by `--yes` alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.adoption import BUCKET, CLUSTER, DATABASE, FIREWALL, POOL, RECORD, VPC
from aias_core.errors import Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.terraform_plan import ResourceChange

PRECIOUS = {CLUSTER: "cluster", POOL: "pool", DATABASE: "database", BUCKET: "bucket", VPC: "VPC"}
_PROTECTED = (CLUSTER, DATABASE, BUCKET)
_ADDRESSES = ("linode_nodebalancer", RECORD)


@dataclass(frozen=True, slots=True)
class Danger:
    """`name` is what a person types to agree."""

    address: str
    type: str
    name: str
    what: str
    destroys: bool = False

    def as_record(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "type"}


def find_dangers(changes: Sequence[ResourceChange]) -> list[Danger]:
    """The dangers of a plan's changes."""
    return [danger for change in changes for danger in _iter_dangers(change)]


def refuse_protected(dangers: Sequence[Danger], environment: str) -> None:
    """Raises Refused when a cluster, database or bucket of a protected environment would go."""
    found = [one for one in dangers if one.destroys and one.type in _PROTECTED]
    if found:
        raise Refused(
            f"'{environment}' is protected, and this would remove {', '.join(repr(one.name) for one in found)}",
            hint="set 'protect: false' in the profile first, if it is really meant",
        )


def _iter_dangers(change: ResourceChange) -> Iterator[Danger]:
    name = str((change.before or {}).get("label") or change.name)
    if change.is_destruction and change.type in PRECIOUS:
        verb = "replaced" if change.is_replacement else "deleted"
        why = f" because of {', '.join(change.replace_reasons)}" if change.replace_reasons else ""
        yield Danger(change.address, change.type, name, f"the {PRECIOUS[change.type]} is {verb}{why}", True)
    elif change.is_destruction and change.type in _ADDRESSES:
        yield Danger(change.address, change.type, name, "a public address or name is lost", True)
    elif change.actions == ("update",):
        before, after = change.before or {}, change.after or {}
        for what in _find_update_dangers(change.type, before, after):
            yield Danger(change.address, change.type, name, what)


def _find_update_dangers(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if kind == FIREWALL and _is_wider(before, after):
        yield "the firewall lets more in"
    if kind == CLUSTER:
        if _plans_of(before) != _plans_of(after):
            yield "the nodes of the cluster's own pool are replaced"
        if _is_acl_wider(before, after):
            yield "more may reach the control plane"
    if kind == BUCKET and _days_of(after) < _days_of(before):
        yield "objects are kept for a shorter time"


def _plans_of(cluster: Mapping[str, Any]) -> list[Any]:
    return [pool.get("type") for pool in cluster.get("pool") or ()]


def _is_wider(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if before.get("inbound_policy") == "DROP" and after.get("inbound_policy") == "ACCEPT":
        return True
    if before.get("inbound_policy") == "ACCEPT":
        return False
    return bool(_openings(after) - _openings(before))


def _openings(firewall: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (str(rule.get("protocol")), str(rule.get("ports")), cidr)
        for rule in firewall.get("inbound") or ()
        if rule.get("action") == "ACCEPT"
        for cidr in (*(rule.get("ipv4") or ()), *(rule.get("ipv6") or ()))
    }


def _acl_of(cluster: Mapping[str, Any]) -> tuple[bool, set[str]]:
    planes = cluster.get("control_plane") or [{}]
    acl = ((planes[0] or {}).get("acl") or [{}])[0] or {}
    addresses = (acl.get("addresses") or [{}])[0] or {}
    return bool(acl.get("enabled")), {*(addresses.get("ipv4") or ()), *(addresses.get("ipv6") or ())}


def _is_acl_wider(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    was_enabled, old = _acl_of(before)
    is_enabled, new = _acl_of(after)
    if not was_enabled:
        return False
    known = [ipaddress.ip_network(one, strict=False) for one in old]
    return not is_enabled or any(not _is_within(ipaddress.ip_network(one, strict=False), known) for one in new)


def _is_within(network: Any, known: list[Any]) -> bool:
    return any(network.version == one.version and network.subnet_of(one) for one in known)


def _days_of(bucket: Mapping[str, Any]) -> float:
    days = [
        expiration["days"]
        for rule in bucket.get("lifecycle_rule") or ()
        for expiration in rule.get("expiration") or ()
        if expiration.get("days")
    ]
    return min(days, default=float("inf"))

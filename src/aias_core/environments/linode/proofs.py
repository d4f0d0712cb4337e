"""Proofs that something in an account belongs to nothing. What cannot be proven is not accused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aias_core import clock
from aias_core.environments.linode.inventory import Inventory, is_of_workload
from aias_core.environments.linode.kinds import KINDS, label_of

if TYPE_CHECKING:
    from aias_core.environments.linode.kinds import Resource

EXPIRES = "expires:"
_KEPT = {"aias", "managed-by:aias"}


@dataclass(frozen=True, slots=True)
class Suspect:
    """What belongs to nothing, and why that is certain. `size` is the GiB of a volume, `plan` that of an instance."""

    kind: str
    id: int
    label: str
    region: str
    proof: str
    path: str
    plan: str = ""
    size: int = 0

    @property
    def key(self) -> str:
        return f"{self.kind} {self.id}"


def iter_suspects(inventory: Inventory, released: Set[str], now: datetime) -> Iterator[Suspect]:
    """What belongs to nothing. `released` are addresses that the account once had and has no more."""
    for kind, prove in _PROOFS.items():
        for row in inventory.rows[kind]:
            if proof := prove(row, inventory):
                yield _suspect(kind, row, proof)
    for row in inventory.rows["instance"]:
        if is_expired(row, now):
            yield _suspect("instance", row, "the workspace is past its time to live")
    yield from _iter_stale_records(inventory, released)


def is_expired(instance: Resource, now: datetime) -> bool:
    """Whether an instance of ours says by its tag `expires:…` that its time is over."""
    tags = set(instance.get("tags") or ())
    ends = [tag.removeprefix(EXPIRES) for tag in tags if tag.startswith(EXPIRES)]
    if not {"aias", "managed-by:aias"} <= tags or len(ends) != 1:
        return False
    try:
        return clock.parse_instant(ends[0]) <= now
    except ValueError:
        return False


def _prove_volume(volume: Resource, inventory: Inventory) -> str | None:
    region = str(volume["region"])
    if set(volume["tags"]) >= _KEPT:  # `down` left it with its data
        return None
    if not str(volume["label"]).startswith("pvc") or volume["linode_id"] is not None:
        return None
    if not inventory.is_every_cluster_known(region):
        return None
    used = {number for use in inventory.uses.values() if use for number in use.volumes}
    return None if volume["id"] in used else "attached to nothing, and no cluster has a persistent volume of it"


def _prove_nodebalancer(balancer: Resource, inventory: Inventory) -> str | None:
    if not is_of_workload(balancer):
        return None
    cluster_ids = {one["id"] for one in inventory.rows["cluster"]}
    told = (balancer.get("lke_cluster") or {}).get("id")
    if told in cluster_ids or _has_live_backend(balancer, inventory):
        return None
    if told is not None:
        return f"its cluster {told} is gone, and no back end is an instance of the account"
    backends = inventory.backends[balancer["id"]]
    if any(one.get("subnet_id") for one in backends) or not inventory.is_every_cluster_known(str(balancer["region"])):
        return None
    used = {address for use in inventory.uses.values() if use for address in use.addresses}
    return None if balancer["ipv4"] in used else "no service of a cluster has its address, and no back end is there"


def _has_live_backend(balancer: Resource, inventory: Inventory) -> bool:
    instances = {address for one in inventory.rows["instance"] for address in one["ipv4"]}
    backends = inventory.backends[balancer["id"]]
    return any(str(one["address"]).rpartition(":")[0] in instances for one in backends)


def _prove_firewall(firewall: Resource, inventory: Inventory) -> str | None:
    is_ours = {"aias", "managed-by:aias"} <= set(firewall["tags"])
    pools = (pool for pools in inventory.pools.values() for pool in pools)
    if not is_ours or firewall["entities"] or any(pool.get("firewall_id") == firewall["id"] for pool in pools):
        return None
    return None if inventory.has_cluster_for(firewall["label"]) else "nothing is behind it, and its cluster is gone"


def _prove_vpc(vpc: Resource, inventory: Inventory) -> str | None:
    if not str(vpc["label"]).startswith("aias-") or inventory.has_cluster_for(vpc["label"]):
        return None
    members = [subnet.get(kind) for subnet in vpc["subnets"] for kind in ("linodes", "nodebalancers", "databases")]
    databases = ((one.get("private_network") or {}).get("vpc_id") for one in inventory.rows["database"])
    clusters = (one.get("vpc_id") for one in inventory.rows["cluster"])
    if any(members) or vpc["id"] in {*databases, *clusters}:
        return None
    return "nothing is in its subnets, and its cluster is gone"


def _prove_key(key: Resource, inventory: Inventory) -> str | None:
    access, prefix = key.get("bucket_access") or [], f"{inventory.bucket_prefix}-"
    label = str(key["label"])
    if not label.startswith(prefix) or not access or inventory.has_cluster_for(label_of(label.removeprefix(prefix))):
        return None
    buckets = {str(bucket["label"]) for bucket in inventory.rows["bucket"]}
    return None if any(one["bucket_name"] in buckets for one in access) else "every bucket that it opens is gone"


_PROOFS: dict[str, Callable[[Resource, Inventory], str | None]] = {
    "volume": _prove_volume,
    "nodebalancer": _prove_nodebalancer,
    "firewall": _prove_firewall,
    "vpc": _prove_vpc,
    "key": _prove_key,
}


def _iter_stale_records(inventory: Inventory, released: Set[str]) -> Iterator[Suspect]:
    domains = {one["id"]: one["domain"] for one in inventory.rows["domain"]}
    for domain_id, records in inventory.records.items():
        for row in records:
            if row["type"] in ("A", "AAAA") and row["target"] in released:
                name = f"{row['name']}.{domains[domain_id]}".lstrip(".")
                proof = f"it points to '{row['target']}', which the account gave back"
                path = f"/domains/{domain_id}/records/{row['id']}"
                yield Suspect("dns record", row["id"], name, "", proof, path)


def _suspect(kind: str, row: Resource, proof: str) -> Suspect:
    path = f"{KINDS[kind].path}/{row['id']}"
    plan, size = str(row.get("type") or ""), int(row.get("size") or 0)
    return Suspect(kind, row["id"], str(row["label"]), str(row.get("region") or ""), proof, path, plan, size)

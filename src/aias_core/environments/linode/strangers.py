"""What is in the account or the cluster of an environment and in no state and no profile of it: made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.adoption import BUCKET, CLUSTER, DOMAIN, POOL, RECORD, SUBNET, VPC
from aias_core.environments.linode.belongings import list_own
from aias_core.environments.linode.inventory import is_of_workload
from aias_core.environments.linode.network import build_topology

if TYPE_CHECKING:
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform_state import Instance
    from aias_core.secrets.cluster import Cluster

_TYPES = {
    "cluster": CLUSTER,
    "firewall": "linode_firewall",
    "vpc": VPC,
    "database": "linode_database_postgresql_v2",
    "domain": DOMAIN,
    "key": "linode_object_storage_key",
}
_WORDS = {
    "instance": "linodes",
    "cluster": "lke cluster",
    "volume": "volumes",
    "nodebalancer": "nodebalancers",
    "firewall": "firewalls",
    "vpc": "vpcs",
    "database": "databases postgresql",
    "domain": "domains",
    "key": "object-storage keys",
}
_DELETES = {"cluster": "lke cluster-delete", "database": "databases postgresql-delete"}
_DELETES |= {"key": "object-storage keys-delete"}


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something that nobody planned, and the command that removes it."""

    name: str
    what: str
    remove: str


def find_strangers(environment: LinodeEnvironment, known: Sequence[Instance]) -> list[Stranger]:
    """What bears the environment's name or is inside what is its own, and is not among the known."""
    return [*_iter_own(environment, known), *_iter_children(environment, known)]


def find_foreign_policies(environment: LinodeEnvironment, cluster: Cluster, wanted: set[str]) -> list[Stranger]:
    """Network policies in the environment's namespaces that we did not render: each one opens something."""
    spaces = set(build_topology(environment.profile).namespaces)
    items = cluster.call("GET", "/apis/networking.k8s.io/v1/networkpolicies")["items"]
    places = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in items]
    return [
        Stranger(f"{space}/{name}", "network policy", f"kubectl --namespace {space} delete networkpolicy {name}")
        for space, name in places
        if space in spaces and f"{space}/{name}" not in wanted
    ]


def _iter_own(environment: LinodeEnvironment, known: Sequence[Instance]) -> Iterator[Stranger]:
    ids = {(one.type, one.id) for one in known}
    buckets = {one.id.partition(":")[2] for one in known if one.type == BUCKET} | {environment.state_bucket}
    for kind, row in list_own(environment):
        if kind == "bucket":
            if row["label"] not in buckets:
                remove = f"linode-cli obj rb {row['label']}"
                yield Stranger(str(row["label"]), "bucket", remove)
        elif (_TYPES.get(kind), str(row["id"])) not in ids and not _is_of_cluster(kind, row):
            name = str(row.get("label") or row.get("domain"))
            command = _DELETES.get(kind, f"{_WORDS[kind]} delete")
            yield Stranger(f"{name} ({row['id']})", kind, f"linode-cli {command} {row['id']}")


def _is_of_cluster(kind: str, row: dict[str, Any]) -> bool:
    """Whether the cluster made it for itself: nodes are the pools', NodeBalancers and volumes its controllers'."""
    if kind == "instance":
        return bool(row.get("lke_cluster_id"))
    return kind == "volume" or (kind == "nodebalancer" and is_of_workload(row))


def _iter_children(environment: LinodeEnvironment, known: Sequence[Instance]) -> Iterator[Stranger]:
    account = environment.opened.account
    inline = {str(pool.get("id")) for one in known if one.type == CLUSTER for pool in one.attributes.get("pool") or ()}
    ids = {kind: {one.id for one in known if one.type == kind} for kind in (POOL, SUBNET, RECORD)}
    for one in known:
        match one.type:
            case "linode_lke_cluster":
                for row in account.list_all(f"/lke/clusters/{one.id}/pools"):
                    if str(row["id"]) not in ids[POOL] | inline:
                        yield _child(row, "pool", f"lke pool-delete {one.id} {row['id']}")
            case "linode_vpc":
                for row in account.list_all(f"/vpcs/{one.id}/subnets"):
                    if str(row["id"]) not in ids[SUBNET]:
                        yield _child(row, "subnet", f"vpcs subnet-delete {one.id} {row['id']}")
            case "linode_domain":
                for row in account.list_all(f"/domains/{one.id}/records"):
                    if str(row["id"]) not in ids[RECORD]:
                        yield _child(row, "DNS record", f"domains records-delete {one.id} {row['id']}")


def _child(row: dict[str, Any], what: str, command: str) -> Stranger:
    name = row.get("label") or row.get("name") or ""
    kind = f" {row['type']} {row['target']}" if "target" in row else ""
    return Stranger(f"{name}{kind} ({row['id']})".strip(), what, f"linode-cli {command}")

"""What the in-process provisioner builds: one small environment as a graph of resources in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aias_core.environments.linode.terraform_plan import UNKNOWN
from aias_core.environments.linode.terraform_state import EXTERNAL_POOL_TAG

VPC, SUBNET = "module.network.linode_vpc.this", 'module.network.linode_vpc_subnet.this["nodes"]'
NODES, EDGE = "module.node_firewall[0].linode_firewall.this", "module.network.linode_firewall.edge"
CLUSTER, DATABASE = "module.lke.linode_lke_cluster.this", "module.postgresql.linode_database_postgresql_v2.this"
POOL = 'module.lke.linode_lke_node_pool.this["extra"]'
BUCKET = 'module.object_storage.linode_object_storage_bucket.this["backups"]'
KEY = 'module.object_storage.linode_object_storage_key.this["backups"]'
Ids = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Declared:
    """One resource: what it needs first, and what is configured of it, given the attributes of those."""

    address: str
    type: str
    needs: tuple[str, ...]
    configure: Callable[[Mapping[str, Any], Ids], dict[str, Any]]


def _id(ids: Ids, address: str) -> Any:
    return int(ids[address]["id"]) if address in ids else UNKNOWN


def _firewall(variables: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    label = f"aias-{variables['environment']}-{purpose}"
    return {"label": label, "inbound_policy": "DROP", "outbound_policy": "ACCEPT", "tags": variables["tags"]}


def _node_firewall(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    pools = [*(ids[CLUSTER]["pool"] if CLUSTER in ids else ()), *([ids[POOL]] if POOL in ids else ())]
    nodes = [node["instance_id"] for pool in pools for node in pool["nodes"] or ()]
    return _firewall(variables, "nodes") | {"linodes": nodes if CLUSTER in ids else UNKNOWN}


def _vpc(variables: Mapping[str, Any], _: Ids) -> dict[str, Any]:
    name = variables["environment"]
    return {"label": f"aias-{name}", "region": variables["region"], "description": f"aias environment {name}"}


def _cluster(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    told = variables["cluster"]
    pool = told["pools"][told["inline_pool"]]
    inline = {"type": pool["type"], "count": pool["count"], "label": told["inline_pool"], "labels": pool["labels"]}
    return {
        "label": f"aias-{variables['environment']}",
        "region": variables["region"],
        "k8s_version": told["version"],
        "tags": variables["tags"],
        "external_pool_tags": [EXTERNAL_POOL_TAG],
        "control_plane": [{"high_availability": False, "audit_logs_enabled": False, "acl": [{"enabled": False}]}],
        "pool": [{**inline, "tags": variables["tags"]}],
    }


def _pool(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    pool = variables["cluster"]["pools"]["extra"]
    named = {"cluster_id": _id(ids, CLUSTER), "type": pool["type"], "node_count": pool["count"], "label": "extra"}
    return {**named, "labels": pool["labels"], "tags": [*variables["tags"], EXTERNAL_POOL_TAG]}


def _database(variables: Mapping[str, Any], _: Ids) -> dict[str, Any]:
    told = variables["database"]
    size = {"type": told["type"], "cluster_size": told["nodes"], "engine_id": f"postgresql/{told['version']}"}
    return {"label": f"aias-{variables['environment']}", "region": variables["region"], **size}


def _key(variables: Mapping[str, Any], _: Ids) -> dict[str, Any]:
    prefix, region = variables["storage"]["prefix"], variables["region"]
    access = {"bucket_name": f"{prefix}-backups", "region": region, "permissions": "read_write"}
    return {"label": f"{prefix}-backups", "bucket_access": [access]}


GRAPH = (
    Declared(VPC, "linode_vpc", (), _vpc),
    Declared(
        SUBNET,
        "linode_vpc_subnet",
        (VPC,),
        lambda variables, ids: {
            "vpc_id": _id(ids, VPC),
            "label": "nodes",
            "ipv4": variables["network"]["subnets"]["nodes"],
        },
    ),
    Declared(EDGE, "linode_firewall", (), lambda variables, _: _firewall(variables, "edge")),
    Declared(
        BUCKET,
        "linode_object_storage_bucket",
        (),
        lambda variables, _: {
            "label": f"{variables['storage']['prefix']}-backups",
            "region": variables["region"],
            "acl": "private",
            "cors_enabled": False,
        },
    ),
    Declared(KEY, "linode_object_storage_key", (BUCKET,), _key),
    Declared(CLUSTER, "linode_lke_cluster", (), _cluster),
    Declared(POOL, "linode_lke_node_pool", (CLUSTER,), _pool),
    Declared(NODES, "linode_firewall", (CLUSTER, POOL), _node_firewall),
    Declared(DATABASE, "linode_database_postgresql_v2", (), _database),
)


def _private_database(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    network = {"vpc_id": _id(ids, VPC), "subnet_id": _id(ids, SUBNET), "public_access": False}
    return {**_database(variables, ids), "private_network": network}


PRIVATE_GRAPH = tuple(
    replace(one, needs=(VPC, SUBNET), configure=_private_database) if one.address == DATABASE else one for one in GRAPH
)

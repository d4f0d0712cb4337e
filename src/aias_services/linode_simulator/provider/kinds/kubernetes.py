"""LKE clusters and node pools."""

from __future__ import annotations

from typing import Any

from tf.types import Unknown

from aias_services.linode_simulator.provider.api import Api
from aias_services.linode_simulator.provider.kind import ID, Kind
from aias_services.linode_simulator.provider.schema import (
    BOOL,
    NUMBER,
    STRING,
    STRING_MAP,
    STRING_SET,
    STRINGS,
    Block,
    Fields,
    State,
    computed,
    either,
    objects,
    optional,
    required,
)
from aias_services.linode_simulator.provider.waiting import (
    read_kubeconfig,
    wait_for_cluster,
    wait_for_pool,
    wait_until_gone,
)

NODES = objects("list", id="string", instance_id="number", status="string")
TAINT = Block(fields={name: required(STRING) for name in ("key", "value", "effect")}, is_set=True)
POOL: Fields = {
    "id": computed(NUMBER),
    "type": required(STRING),
    "count": either(NUMBER),
    "label": either(STRING, default=""),
    "labels": optional(STRING_MAP),
    "tags": optional(STRING_SET),
    "firewall_id": either(NUMBER),
    "disk_encryption": either(STRING),
    "k8s_version": either(STRING),
    "update_strategy": either(STRING),
    "taint": TAINT,
    "autoscaler": Block(fields={"min": required(NUMBER), "max": required(NUMBER)}, most=1),
    "nodes": computed(NODES, moves=True),
}
ADDRESSES = Block(fields={"ipv4": either(STRING_SET), "ipv6": either(STRING_SET)}, computed=True)
ACL = Block(fields={"enabled": either(BOOL), "addresses": ADDRESSES}, most=1, computed=True)
CONTROL_PLANE = Block(
    fields={"high_availability": either(BOOL), "audit_logs_enabled": either(BOOL), "acl": ACL}, most=1, computed=True
)


def expand_pool(pool: State, count: Any, *, creating: bool) -> dict[str, Any]:
    """The body of a pool, as part of a cluster or by itself."""
    scaler = pool["autoscaler"][0] if pool["autoscaler"] else None
    known = {name: pool[name] for name in ("labels", "tags", "firewall_id", "k8s_version", "update_strategy")}
    body = {name: value for name, value in known.items() if value is not None and value is not Unknown}
    body |= {"taints": pool["taint"], "autoscaler": {"enabled": True, **scaler} if scaler else {"enabled": False}}
    if scaler:
        known = scaler["min"] if count is None or count is Unknown else count
        count = min(max(known, scaler["min"]), scaler["max"])
    body["count"] = count
    if creating:
        body |= {"type": pool["type"], "label": pool["label"] or ""}
    return body


def flatten_pool(answer: dict[str, Any]) -> State:
    """What both kinds of pool have in common."""
    scaler = answer["autoscaler"]
    names = ("type", "label", "tags", "firewall_id", "disk_encryption", "k8s_version", "update_strategy")
    return {
        **{name: answer.get(name) for name in names},
        "labels": answer["labels"] or {},
        "taint": answer["taints"] or [],
        "autoscaler": [{"min": scaler["min"], "max": scaler["max"]}] if scaler["enabled"] else [],
        "nodes": [{name: node[name] for name in ("id", "instance_id", "status")} for node in answer["nodes"]],
    }


class Cluster(Kind):
    name = "linode_lke_cluster"
    path = "/lke/clusters"
    legacy = True
    late = "failed to get kubeconfig for LKE cluster"
    fields = {
        "id": ID,
        "label": required(STRING),
        "region": required(STRING, replaces=True),
        "k8s_version": required(STRING),
        "tier": either(STRING, replaces=True),
        "apl_enabled": either(BOOL, replaces=True),
        "stack_type": either(STRING),
        "vpc_id": either(NUMBER),
        "subnet_id": either(NUMBER),
        "tags": either(STRING_SET, default=[]),
        "external_pool_tags": optional(STRING_SET),
        "control_plane": CONTROL_PLANE,
        "pool": Block(fields=POOL),
        "api_endpoints": computed(STRINGS),
        "kubeconfig": computed(STRING, sensitive=True),
        "status": computed(STRING, moves=True),
    }
    sent = {name: name for name in ("label", "region", "k8s_version", "tier", "vpc_id", "subnet_id", "tags")}
    fixed = frozenset({"region", "tier", "vpc_id", "subnet_id"})

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        body = super().body(planned, creating=creating)
        if planned["control_plane"]:
            body["control_plane"] = _expand_control_plane(planned["control_plane"][0])
        if creating:
            body["node_pools"] = [expand_pool(pool, pool["count"], creating=True) for pool in planned["pool"]]
        return body

    def created(self, api: Api, state: State, answer: dict[str, Any]) -> State:
        wait_for_cluster(api, state["id"])
        for pool in api.list(f"{self.item(state)}/pools"):
            wait_for_pool(api, state["id"], pool["id"])
        return self.flatten(api, api.get(self.item(state)), state)

    def update(self, api: Api, before: State, planned: State) -> State:
        api.put(self.item(before), self.body(planned, creating=False))
        if before["k8s_version"] != planned["k8s_version"]:
            api.post(f"{self.item(before)}/recycle")
        for identifier in self._change_pools(api, before, planned):
            wait_for_pool(api, before["id"], identifier)
        for pool in api.list(f"{self.item(before)}/pools"):
            wait_for_pool(api, before["id"], pool["id"])
        return self.flatten(api, api.get(self.item(before)), planned)

    def _change_pools(self, api: Api, before: State, planned: State) -> list[int]:
        """Pools are matched by id, then made, then removed; the ids of those that changed."""
        path = f"{self.item(before)}/pools"
        touched: list[int] = []
        old = {pool["id"]: pool for pool in before["pool"]}
        for pool in planned["pool"]:
            there = old.get(pool["id"])
            if there is not None and there["type"] == pool["type"]:
                old.pop(pool["id"])
                api.put(f"{path}/{pool['id']}", expand_pool(pool, pool["count"], creating=False))
                touched.append(pool["id"])
            else:
                touched.append(api.post(path, expand_pool(pool, pool["count"], creating=True))["id"])
        for identifier in old:
            api.delete(f"{path}/{identifier}")
        return touched

    def delete(self, api: Api, state: State) -> None:
        super().delete(api, state)
        wait_until_gone(api, self.item(state))

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        item = f"{self.path}/{answer['id']}"
        external = set(state.get("external_pool_tags") or ())
        pools = [one for one in api.list(f"{item}/pools") if not external & set(one["tags"] or ())]
        ordered = _in_order(pools, [pool["id"] for pool in state.get("pool") or ()])
        names = ("label", "region", "k8s_version", "tags", "status", "vpc_id", "subnet_id", "stack_type", "apl_enabled")
        return {
            **{name: answer.get(name) for name in names},
            "tier": answer.get("tier"),
            "id": str(answer["id"]),
            "external_pool_tags": state.get("external_pool_tags"),
            "control_plane": [_flatten_control_plane(answer["control_plane"], _read_acl(api, item))],
            "pool": [flatten_pool(one) | {"id": one["id"], "count": one["count"]} for one in ordered],
            "api_endpoints": [one["endpoint"] for one in api.list(f"{item}/api-endpoints")],
            "kubeconfig": read_kubeconfig(api, str(answer["id"])),
        }


def _in_order(pools: list[dict[str, Any]], known: list[Any]) -> list[dict[str, Any]]:
    places = {identifier: at for at, identifier in enumerate(known)}
    return sorted(pools, key=lambda pool: (places.get(pool["id"], len(places)), pool["id"]))


def _expand_control_plane(block: State) -> dict[str, Any]:
    names = ("high_availability", "audit_logs_enabled")
    body = {name: block[name] for name in names if block[name] is not None and block[name] is not Unknown}
    if block["acl"]:
        acl = block["acl"][0]
        body["acl"] = {"enabled": bool(acl["enabled"])}
        if acl["enabled"] and acl["addresses"]:
            families = acl["addresses"][0].items()
            body["acl"]["addresses"] = {family: one for family, one in families if isinstance(one, list)}
    return body


def _read_acl(api: Api, item: str) -> dict[str, Any]:
    return dict(api.get(f"{item}/control_plane_acl")["acl"])


def _flatten_control_plane(plane: dict[str, Any], acl: dict[str, Any]) -> State:
    addresses = acl.get("addresses") or {}
    families = {family: addresses.get(family) or [] for family in ("ipv4", "ipv6")}
    return {
        "high_availability": plane["high_availability"],
        "audit_logs_enabled": plane.get("audit_logs_enabled") or False,
        "acl": [{"enabled": acl["enabled"], "addresses": [families] if acl["enabled"] else []}],
    }


class NodePool(Kind):
    name = "linode_lke_node_pool"
    path = "/lke/clusters/{cluster_id}/pools"
    parents = ("cluster_id",)
    late = "Linode Node Pool is not ready after create"
    fields = {
        "id": ID,
        "cluster_id": required(NUMBER, replaces=True),
        "type": required(STRING, replaces=True),
        "node_count": either(NUMBER),
        "label": either(STRING),
        "labels": either(STRING_MAP, default={}),
        "tags": either(STRING_SET, default=[]),
        "firewall_id": either(NUMBER),
        "disk_encryption": either(STRING, replaces=True),
        "k8s_version": either(STRING),
        "update_strategy": either(STRING),
        "taint": TAINT,
        "autoscaler": Block(fields={"min": optional(NUMBER), "max": optional(NUMBER)}, most=1),
        "nodes": computed(NODES, moves=True),
    }

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        return expand_pool(planned, planned["node_count"], creating=creating)

    def created(self, api: Api, state: State, answer: dict[str, Any]) -> State:
        return self.flatten(api, wait_for_pool(api, state["cluster_id"], state["id"]), state)

    def update(self, api: Api, before: State, planned: State) -> State:
        api.put(self.item(before), self.body(planned, creating=False))
        return self.flatten(api, wait_for_pool(api, before["cluster_id"], before["id"]), planned)

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        common = flatten_pool(answer) | {"node_count": answer["count"], "cluster_id": int(state["cluster_id"])}
        return common | {"id": str(answer["id"])}


KINDS: tuple[Kind, ...] = (Cluster(), NodePool())

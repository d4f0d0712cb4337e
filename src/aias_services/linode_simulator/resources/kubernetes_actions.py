"""What LKE does beside the five verbs: nodes, recycling, kubeconfig, access list, versions."""

from __future__ import annotations

import base64
from dataclasses import replace

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.addresses import check_addresses
from aias_services.linode_simulator.catalog import prices, versions
from aias_services.linode_simulator.fields import Field, Values, boolean, complete
from aias_services.linode_simulator.refusals import check_all, not_found, refuse
from aias_services.linode_simulator.resource import dig
from aias_services.linode_simulator.resources.kubernetes import ACL
from aias_services.linode_simulator.resources.kubernetes_nodes import grow, show_node
from aias_services.linode_simulator.routing import Call, actions, pick
from aias_services.linode_simulator.world import Record, World

CLUSTER_PATH = "/lke/clusters/{lke_cluster}"
NOBODY = "192.0.2.1/32"
NOT_YET = "Cluster kubeconfig is not yet available. Please try again later."
REGENERATE: dict[str, Field] = {"kubeconfig": boolean(default=False), "servicetoken": boolean(default=False)}


def server_url(base_url: str, cluster: Record) -> str:
    """Where the Kubernetes API of a cluster is served."""
    return f"{base_url}/kubernetes/{cluster.id}"


def bearer_token(world: World, cluster: Record) -> str:
    """The token inside the kubeconfig; another one after each regeneration."""
    return world.token("kubeconfig", cluster.id, cluster.values.get("_generation", 0), length=64)


def _node(call: Call) -> tuple[Record, Record]:
    """A node and its pool, of the cluster that the path names."""
    cluster, node = call.record("lke_cluster"), call.world.find("lke_node", call.params["node"])
    pool = call.world.find("lke_pool", node.parent) if node else None
    if node is None or pool is None or pool.parent != cluster.id:
        raise not_found()
    return node, pool


def _view_node(call: Call) -> Values:
    return show_node(call.world, _node(call)[0])


def _delete_node(call: Call) -> Values:
    node, pool = _node(call)
    if node.gone_at is not None:
        return {}
    if pool.values["count"] <= 1:
        raise refuse("A node pool must have at least one node")
    pool.values["count"] -= 1
    engine.remove(call.world, node)
    return {}


def _recycle_node(call: Call) -> Values:
    node, pool = _node(call)
    _replace(call.world, pool, [node])
    return {}


def _recycle_pool(call: Call) -> Values:
    pool = call.record("lke_pool")
    _replace(call.world, pool, list(call.world.children("lke_node", pool)))
    return {}


def _recycle_cluster(call: Call) -> Values:
    for pool in call.world.children("lke_pool", call.record("lke_cluster")):
        _replace(call.world, pool, list(call.world.children("lke_node", pool)))
    return {}


def _replace(world: World, pool: Record, nodes: list[Record]) -> None:
    for node in nodes:
        engine.remove(world, node)
    grow(world, pool, len(nodes))


def _view_kubeconfig(call: Call) -> Values:
    cluster = call.record("lke_cluster")
    if not call.world.is_settled(cluster):
        raise refuse(NOT_YET, status=503)
    document = _kubeconfig(server_url(call.base_url, cluster), cluster, bearer_token(call.world, cluster))
    return {"kubeconfig": base64.b64encode(document.encode()).decode()}


def _kubeconfig(server: str, cluster: Record, token: str) -> str:
    import yaml

    name = f"lke{cluster.id}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": f"{name}-admin", "user": {"token": token}}],
        "contexts": [
            {
                "name": f"{name}-ctx",
                "context": {"cluster": name, "user": f"{name}-admin", "namespace": "default"},
            }
        ],
        "current-context": f"{name}-ctx",
    }
    return str(yaml.safe_dump(document, sort_keys=False))


def _regenerate(call: Call) -> Values:
    if call.body:
        call.read(REGENERATE)
    cluster = call.record("lke_cluster")
    cluster.values["_generation"] = cluster.values.get("_generation", 0) + 1
    return {}


def _list_endpoints(call: Call) -> list[Values]:
    return [{"endpoint": server_url(call.base_url, call.record("lke_cluster"))}]


def _view_dashboard(call: Call) -> Values:
    return {"url": f"{server_url(call.base_url, call.record('lke_cluster'))}/dashboard"}


def _view_acl(call: Call) -> Values:
    return _acl(call.record("lke_cluster"))


def _update_acl(call: Call) -> Values:
    cluster, wanted = call.record("lke_cluster"), call.read({"acl": ACL})["acl"] or {}
    check_all(check_addresses(wanted.get("addresses") or {}, "acl.addresses"))
    plane = dict(cluster.values.get("control_plane") or {})
    cluster.values["control_plane"] = {**plane, "acl": {**(plane.get("acl") or {}), **wanted}}
    cluster.changed_at = call.world.now()
    return _acl(cluster)


def _delete_acl(call: Call) -> Values:
    cluster = call.record("lke_cluster")
    cluster.values["control_plane"] = {**(cluster.values.get("control_plane") or {}), "acl": None}
    return {}


def _acl(cluster: Record) -> Values:
    return complete({"acl": ACL}, {"acl": dig(cluster.values, "control_plane.acl")})


def shut_out(world: World, identifier: str | None) -> None:
    """Makes the access list of a cluster, or of the newest, let nobody in who is somebody."""
    clusters = [one for one in world.iter("lke_cluster") if identifier in (None, str(one.id))]
    for cluster in clusters[-1:]:
        acl = {"enabled": True, "addresses": {"ipv4": [NOBODY], "ipv6": []}}
        cluster.values["control_plane"] = {**(cluster.values.get("control_plane") or {}), "acl": acl}


def _list_versions(tier: str, *, with_tier: bool = True) -> list[Values]:
    return [{"id": version} | ({"tier": tier} if with_tier else {}) for version in versions.TIERS[tier]]


def _list_tier(call: Call) -> list[Values]:
    if call.params["tier"] not in versions.TIERS:
        raise not_found()
    return _list_versions(call.params["tier"])


def _view_tier_version(call: Call) -> Values:
    return pick(_list_tier(call), "id", call.params["version"])


def _list_standard(_: Call) -> list[Values]:
    return _list_versions("standard", with_tier=False)


OPERATIONS = (
    *actions(
        "lke",
        {
            f"GET {CLUSTER_PATH}/nodes/{{node}}": _view_node,
            f"DELETE {CLUSTER_PATH}/nodes/{{node}}": _delete_node,
            f"POST {CLUSTER_PATH}/nodes/{{node}}/recycle": _recycle_node,
            f"POST {CLUSTER_PATH}/pools/{{lke_pool}}/recycle": _recycle_pool,
            f"POST {CLUSTER_PATH}/recycle": _recycle_cluster,
            f"POST {CLUSTER_PATH}/regenerate": _regenerate,
            f"GET {CLUSTER_PATH}/kubeconfig": _view_kubeconfig,
            f"DELETE {CLUSTER_PATH}/kubeconfig": _regenerate,
            f"DELETE {CLUSTER_PATH}/servicetoken": _regenerate,
            f"GET {CLUSTER_PATH}/dashboard": _view_dashboard,
            f"GET {CLUSTER_PATH}/control_plane_acl": _view_acl,
            f"PUT {CLUSTER_PATH}/control_plane_acl": _update_acl,
            f"DELETE {CLUSTER_PATH}/control_plane_acl": _delete_acl,
            "GET /lke/versions/{version}": lambda call: pick(_list_standard(call), "id", call.params["version"]),
        },
        {
            f"GET {CLUSTER_PATH}/api-endpoints": _list_endpoints,
            "GET /lke/versions": _list_standard,
        },
    ),
    *(
        replace(operation, beta=True)
        for operation in actions(
            "lke",
            {"GET /lke/tiers/{tier}/versions/{version}": _view_tier_version},
            {"GET /lke/tiers/{tier}/versions": _list_tier},
        )
    ),
    *actions("", {}, {"GET /lke/types": lambda _: prices.list_types("lke")}, {"GET /lke/types": prices.FILTERABLE}),
)

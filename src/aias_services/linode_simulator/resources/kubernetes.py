"""LKE: clusters and node pools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.addresses import check_addresses
from aias_services.linode_simulator.catalog import prices, regions, types, versions
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    accept,
    answer,
    boolean,
    fixed,
    integer,
    many,
    mapping,
    secret,
    shape,
    text,
)
from aias_services.linode_simulator.ledger import Price
from aias_services.linode_simulator.lifecycle import FREE
from aias_services.linode_simulator.refusals import Fault
from aias_services.linode_simulator.resource import Draft, Resource, dig
from aias_services.linode_simulator.resources.kubernetes_nodes import grow, show_node
from aias_services.linode_simulator.world import Record, World

MOST_NODES, MOST_CLUSTER_NODES = 100, 250
TOO_SMALL = ("nanode",)
HIGH_AVAILABILITY = "control_plane.high_availability"

ACL = shape(
    {
        "enabled": boolean(default=False),
        "addresses": shape({"ipv4": many(text()), "ipv6": many(text())}),
        "revision-id": text(default=""),
    }
)
POOL: dict[str, Field] = {
    "id": answer(integer()),
    "type": fixed(text(required=True)),
    "count": integer(required=True, low=1, high=MOST_NODES),
    "autoscaler": shape(
        {
            "enabled": boolean(default=False),
            "min": integer(low=1, high=MOST_NODES),
            "max": integer(low=1, high=MOST_NODES),
        }
    ),
    "label": fixed(text(high=63, default="")),
    "labels": mapping(text(), default={}),
    "taints": many(
        shape(
            {
                "key": text(required=True),
                "value": text(required=True),
                "effect": text(required=True, choices=("NoSchedule", "PreferNoSchedule", "NoExecute")),
            }
        )
    ),
    "tags": many(text(low=3, high=50)),
    "disks": fixed(many(shape({"size": integer(required=True), "type": text(required=True, choices=("raw", "ext4"))}))),
    "disk_encryption": fixed(text(choices=("enabled", "disabled"), default="enabled")),
    "firewall_id": integer(nullable=True),
    "k8s_version": text(nullable=True),
    "update_strategy": text(nullable=True, choices=("rolling_update", "on_recycle")),
    "nodes": answer(
        many(shape({"id": text(), "instance_id": integer(), "pool_id": integer(), "status": text()})),
    ),
    "locks": answer(many(text())),
}


def _check_cluster(draft: Draft) -> Iterator[Fault]:
    values, world = draft.values, draft.world
    yield from _check_version(draft)
    had = draft.record and dig(draft.record.values, HIGH_AVAILABILITY)
    if had and not dig(values, HIGH_AVAILABILITY):
        yield Fault("High availability cannot be disabled once it is enabled", HIGH_AVAILABILITY)
    addresses = dig(values, "control_plane.acl.addresses") or {}
    yield from check_addresses(addresses, "control_plane.acl.addresses")
    if not draft.is_new:
        return
    if values["tier"] == "enterprise" and not regions.has(values["region"], regions.ENTERPRISE):
        yield Fault(f"Region {values['region']} does not support {regions.ENTERPRISE}", "region")
    yield from _check_network(draft)
    pools = values["node_pools"]
    if not pools and values["tier"] == "standard":
        yield Fault("Must have at least one node pool", "node_pools")
    for index, pool in enumerate(pools):
        filled, faults = accept(POOL, pool, creating=True)
        path = f"node_pools[{index}]"
        if not faults:
            faults = list(_check_pool_values(world, filled, values["region"]))
        yield from (Fault(fault.reason, f"{path}.{fault.field}") for fault in faults)
    engine.check_limit(world, "linode", sum(pool.get("count", 0) for pool in pools))


def _check_version(draft: Draft) -> Iterator[Fault]:
    version, offered = draft.values["k8s_version"], versions.TIERS[draft.values["tier"]]
    before = draft.record.values["k8s_version"] if draft.record else None
    if version == before:
        return
    if version not in offered:
        yield Fault("k8s_version is not valid", "k8s_version")
    elif before and not 0 <= _minor(version) - _minor(before) <= 1:
        yield Fault(f"Cannot upgrade from {before} to {version}: one minor version at a time", "k8s_version")


def _minor(version: str) -> int:
    match = re.match(r"v?\d+\.(\d+)", version)
    return int(match[1]) if match else 0


def _check_network(draft: Draft) -> Iterator[Fault]:
    values, world = draft.values, draft.world
    if values["tier"] != "enterprise":
        names = (name for name in ("vpc_id", "subnet_id") if values[name])
        yield from (Fault(f"{name} is available in the enterprise tier only", name) for name in names)
        return
    vpc = world.find_lasting("vpc", values["vpc_id"]) if values["vpc_id"] else None
    if values["vpc_id"] and (vpc is None or vpc.values["region"] != values["region"]):
        yield Fault("vpc_id is not valid", "vpc_id")
    subnet = world.find_lasting("vpc_subnet", values["subnet_id"]) if values["subnet_id"] else None
    if values["subnet_id"] and (subnet is None or vpc is None or subnet.parent != vpc.id):
        yield Fault("subnet_id is not valid", "subnet_id")


def _check_pool(draft: Draft) -> Iterable[Fault]:
    cluster = draft.parent
    more = draft.values["count"] - (draft.record.values["count"] if draft.record else 0)
    if cluster is not None:
        engine.check_limit(draft.world, "linode", more)
        held = sum(pool.values["count"] for pool in draft.world.children("lke_pool", cluster))
        if held + more > MOST_CLUSTER_NODES:
            yield Fault(f"A cluster may have at most {MOST_CLUSTER_NODES} nodes", "count")
    yield from _check_pool_values(draft.world, draft.values, cluster.values["region"] if cluster else "")


def _check_pool_values(world: World, values: Values, region: str) -> Iterator[Fault]:
    yield from check_plan(world, values["type"], region)
    if types.TYPES.get(values["type"], {}).get("class") in TOO_SMALL:
        yield Fault("type is not valid for node pools", "type")
    if values.get("firewall_id") and world.find_lasting("firewall", values["firewall_id"]) is None:
        yield Fault("firewall_id is not valid", "firewall_id")
    scaler = values.get("autoscaler") or {}
    if scaler.get("enabled"):
        least, most = scaler.get("min"), scaler.get("max")
        if least is None or most is None:
            yield Fault("min and max are required", "autoscaler")
        elif not least <= values["count"] <= most:
            yield Fault(f"count must be {least}-{most}", "count")


def check_plan(world: World, plan: str, region: str) -> Iterator[Fault]:
    """The faults of a plan type in a region: unknown, not offered there, or out of stock."""
    if plan not in types.TYPES:
        yield Fault("type is not valid", "type")
    elif not types.is_offered(plan, region):
        yield Fault(f"Plan {plan} is not available in {region}", "type")
    elif (region, plan) in map(tuple, world.state.settings.out_of_stock):
        yield Fault(f"Plan {plan} is currently unavailable in {region}", "type")


def _make_pools(draft: Draft, cluster: Record) -> None:
    bodies = cluster.values.pop("node_pools")
    for position, body in enumerate(bodies, 1):
        hold = draft.hold if position == len(bodies) else FREE
        engine.create(draft.world, "lke_pool", body, parent=cluster, hold=hold)


def _make_nodes(draft: Draft, pool: Record) -> None:
    _ignore_firewall(draft.world, pool)
    grow(draft.world, pool, draft.values["count"], draft.hold)


def _ignore_firewall(world: World, pool: Record) -> None:
    """Only the enterprise tier has firewalls of pools: https://github.com/linode/terraform-provider-linode/issues/2294."""
    cluster = world.find("lke_cluster", pool.parent)
    if cluster is None or cluster.values["tier"] != "enterprise":
        pool.values["firewall_id"] = None


def _resize(draft: Draft, pool: Record) -> None:
    _ignore_firewall(draft.world, pool)
    world, nodes = draft.world, list(draft.world.children("lke_node", pool))
    more = draft.values["count"] - len(nodes)
    if more > 0:
        grow(world, pool, more, draft.hold)
    by_chance = sorted(nodes, key=lambda node: world.token("scale down", node.id))
    for node in by_chance[: max(0, -more)]:
        engine.remove(world, node)


def _fill(world: World, pool: Record) -> None:
    """Makes the nodes that a pool should have and has not."""
    grow(world, pool, pool.values["count"] - sum(1 for _ in world.children("lke_node", pool)))


def _drop_objects(world: World, cluster: Record) -> None:
    """Ends the objects of a cluster; what its workloads made on the account stays, without its tags."""
    for kind in ("nodebalancer", "volume"):
        for record in world.iter(kind, lambda one: one.values.get("_cluster") == cluster.id):
            record.values["tags"] = []
    world.state.objects.pop(str(cluster.id), None)


def _show_pool(world: World, pool: Record) -> Values:
    count, scaler = pool.values["count"], pool.values["autoscaler"] or {}
    bounds = scaler if scaler.get("enabled") else {"enabled": False, "min": count, "max": count}
    return {"nodes": [show_node(world, node) for node in world.children("lke_node", pool)], "autoscaler": bounds}


def _price(cluster: Record) -> Price | None:
    if cluster.values["tier"] == "enterprise":
        return prices.price_of("lke", "lke-e", cluster.values["region"])
    is_doubled = dig(cluster.values, HIGH_AVAILABILITY)
    return prices.price_of("lke", "lke-ha", cluster.values["region"]) if is_doubled else None


CLUSTER = Resource(
    kind="lke_cluster",
    path="/lke/clusters",
    scope="lke",
    filterable=(
        "label",
        "region",
        "tags",
        "k8s_version",
        "tier",
    ),
    first_id=500_001,
    entity="lkecluster",
    action="lke_cluster",
    quota="lke_cluster",
    beta_values={"tier": "enterprise"},
    unique="Label must be unique among your LKE clusters",
    capability="Kubernetes",
    phases=(("not_ready", 60.0), ("ready", 0.0)),
    fields={
        "id": answer(integer()),
        "label": text(required=True, low=1, high=32, pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*", reason="Invalid label"),
        "region": fixed(text(required=True)),
        "k8s_version": text(required=True),
        "tier": fixed(text(choices=("standard", "enterprise"), default="standard")),
        "apl_enabled": fixed(boolean(default=False)),
        "control_plane": shape(
            {
                "acl": secret(ACL),
                "high_availability": boolean(default=False),
                "audit_logs_enabled": boolean(default=False),
                "metrics_enabled": boolean(default=False),
            },
            default={},
        ),
        "node_pools": secret(many(shape(POOL))),
        "stack_type": fixed(text(choices=("ipv4", "ipv4-ipv6"), default="ipv4")),
        "vpc_id": fixed(integer(nullable=True)),
        "subnet_id": fixed(integer(nullable=True)),
        "tags": many(text(low=3, high=50)),
        "status": answer(text()),
        "created": answer(text()),
        "updated": answer(text()),
        "locks": answer(many(text())),
    },
    checks=(_check_cluster,),
    made=_make_pools,
    gone=_drop_objects,
    holds=("lke_pool",),
    price=_price,
)
POOLS = Resource(
    kind="lke_pool",
    path="/lke/clusters/{lke_cluster}/pools",
    scope="lke",
    filterable=(
        "id",
        "tags",
    ),
    parent="lke_cluster",
    first_id=700_001,
    purpose=("label", "type", "labels", "taints", "tags"),
    fields=POOL,
    checks=(_check_pool,),
    made=_make_nodes,
    changed=_resize,
    released=_fill,
    holds=("lke_node",),
    shown=_show_pool,
    entity="lkecluster",
    action="lke_pool",
)
RESOURCES = (CLUSTER, POOLS)

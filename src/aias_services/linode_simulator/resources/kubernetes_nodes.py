"""The nodes of LKE, each of which is an instance that is billed."""

from __future__ import annotations

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.fields import Values
from aias_services.linode_simulator.lifecycle import FREE, Hold
from aias_services.linode_simulator.resource import Resource
from aias_services.linode_simulator.resources.firewalls import attach
from aias_services.linode_simulator.world import Record, World

NODE_PHASES = (("not_ready", 90.0), ("ready", 0.0))


def grow(world: World, pool: Record, count: int, hold: Hold = FREE) -> None:
    """Adds nodes to a pool, but for those that are held back."""
    cluster, unready = world.find("lke_cluster", pool.parent), count if hold.whole else hold.unready
    version = cluster.values["k8s_version"] if cluster else ""
    if hold.missing:
        pool.values["_held"] = True
    for position in range(count - hold.missing):
        name = f"{pool.id}-{world.token('node', world.next_id('lke_node', 1), length=12)}"
        plan = {"type": pool.values["type"], "label": f"lke{pool.parent}-{name}", "tags": list(pool.values["tags"])}
        region = cluster.values["region"] if cluster else ""
        instance = engine.create(world, "linode", {**plan, "region": region}, owner=pool)
        instance.values["lke_cluster_id"] = pool.parent
        if firewall := world.find("firewall", pool.values["firewall_id"]):
            attach(world, firewall, "linode", instance.id)
        node = Record(kind="lke_node", id=name, values={}, made_at=world.now(), changed_at=world.now(), parent=pool.id)
        node.values = {"instance_id": instance.id, "pool_id": pool.id, "k8s_version": version}
        world.begin(node, NODE_PHASES)
        if position >= count - unready:
            world.hold(node, hold.seconds)
        world.add(node)


def _drop_instance(world: World, node: Record) -> None:
    instance = world.find("linode", node.values["instance_id"])
    if instance:
        engine.remove(world, instance, max(0.0, (node.gone_at or 0.0) - world.now()))


def show_node(world: World, node: Record) -> Values:
    """A node as it is answered."""
    instance = {name: node.values[name] for name in ("instance_id", "pool_id")}
    return {"id": node.id, **instance, "status": world.status(node)}


RESOURCES = (
    Resource(
        kind="lke_node",
        path="/lke/nodes",
        scope="lke",
        verbs=frozenset(),
        fields={},
        phases=NODE_PHASES,
        gone=_drop_instance,
    ),
)

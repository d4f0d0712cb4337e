"""The nodes of a cluster, as its pools make them; what a client changed of one lies over it."""

from __future__ import annotations

from typing import Any

from aias_services.linode_simulator.access import written
from aias_services.linode_simulator.catalog.types import TYPES
from aias_services.linode_simulator.kubernetes.apply import merge
from aias_services.linode_simulator.world import Record, World

DELETED = "aias/deleted"


def list_nodes(world: World, cluster: Record, changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node of a cluster, with what was changed of it."""
    return [
        merge(_node(world, cluster, pool, node), changes.get(f"lke{cluster.id}-{node.id}", {}))
        for pool in world.children("lke_pool", cluster)
        for node in world.children("lke_node", pool)
        if DELETED not in changes.get(f"lke{cluster.id}-{node.id}", {})
    ]


def _info(world: World, cluster: Record, node: Record) -> dict[str, str]:
    # A node keeps the version that it was made with until it is recycled.
    number = node.values.get("k8s_version") or cluster.values["k8s_version"]
    version = f"v{number.lstrip('v')}.1"
    identity = world.token("machine", node.id, length=32)
    return {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "kernelVersion": "6.1.0-29-cloud-amd64",
        "containerRuntimeVersion": "containerd://1.7.27",
        "kubeletVersion": version,
        "kubeProxyVersion": version,
        "machineID": identity,
        "systemUUID": identity,
        "bootID": identity,
    }


def _node(world: World, cluster: Record, pool: Record, node: Record) -> dict[str, Any]:
    plan, instance = TYPES[pool.values["type"]], world.find("linode", node.values["instance_id"])
    is_ready, name = world.status(node) == "ready", f"lke{cluster.id}-{node.id}"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "lke.linode.com/pool-id": str(pool.id),
        "node.kubernetes.io/instance-type": pool.values["type"],
        "topology.kubernetes.io/region": cluster.values["region"],
    }
    capacity = {"cpu": str(plan["vcpus"]), "memory": f"{plan['memory']}Mi", "pods": "110"}
    gpus = {"nvidia.com/gpu": str(plan["gpus"])} if plan["gpus"] else {}
    address = instance.values["ipv4"][0] if instance else ""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": world.token("uid", node.id, length=32),
            "resourceVersion": str(int(node.changed_at)),
            "creationTimestamp": f"{written(node.made_at)}Z",
            "labels": {**labels, **pool.values["labels"]},
        },
        "spec": {"providerID": f"linode://{node.values['instance_id']}", "taints": pool.values["taints"]},
        "status": {
            "capacity": {**capacity, **gpus},
            "allocatable": {**capacity, **gpus},
            "addresses": [{"type": "Hostname", "address": name}, {"type": "ExternalIP", "address": address}],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True" if is_ready else "False",
                    "reason": "KubeletReady" if is_ready else "KubeletNotReady",
                    "message": "",
                }
            ],
            "nodeInfo": _info(world, cluster, node),
        },
    }

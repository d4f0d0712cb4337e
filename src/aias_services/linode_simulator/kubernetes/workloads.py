"""What objects of a cluster make on the account: NodeBalancers of services, volumes of claims."""

from __future__ import annotations

import re
from typing import Any

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.refusals import Refusal
from aias_services.linode_simulator.resource import dig
from aias_services.linode_simulator.resources.volumes import LEAST_GB
from aias_services.linode_simulator.world import Record, World

Document = dict[str, Any]
DRIVER = "linodebs.csi.linode.com"
DEFAULT_CLASS = "linode-block-storage-retain"
STORAGE_CLASSES = {"linode-block-storage": "Delete", DEFAULT_CLASS: "Retain"}
UNITS = {"M": 10**6, "Mi": 2**20, "G": 10**9, "Gi": 2**30, "T": 10**12, "Ti": 2**40}


def storage_class(name: str, reclaim: str) -> Document:
    """A class of volumes, as every cluster has it from the start."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": str(name == DEFAULT_CLASS).lower()},
        },
        "provisioner": DRIVER,
        "reclaimPolicy": reclaim,
        "allowVolumeExpansion": True,
    }


def ensure_balancer(world: World, cluster: Record, service: Document) -> None:
    """Gives a service of type LoadBalancer its NodeBalancer; without room on the account it goes on waiting."""
    label, balancer = _balancer_label(service), _find_balancer(world, service)
    if dig(service, "spec.type") != "LoadBalancer":
        drop_balancer(world, service)
        return
    if balancer is None:
        ports = {port["port"]: port.get("protocol", "TCP").lower() for port in service["spec"].get("ports", ())}
        configs = [{"port": port, "protocol": protocol} for port, protocol in ports.items()]
        body = {"label": label, "region": cluster.values["region"], "tags": [f"lke{cluster.id}"], "configs": configs}
        balancer = _create(world, cluster, "nodebalancer", body)
    if balancer is not None:
        address = balancer.values["ipv4"]
        name = f"{address.replace('.', '-')}.ip.linodeusercontent.com"
        service["status"] = {"loadBalancer": {"ingress": [{"ip": address, "hostname": name}]}}


def drop_balancer(world: World, service: Document) -> None:
    """Removes the NodeBalancer of a service, where it has one; it may linger, as after any deletion."""
    if balancer := _find_balancer(world, service):
        engine.remove(world, balancer, world.state.settings.linger_seconds)
        service.pop("status", None)


def bind(world: World, cluster: Record, claim: Document, kept: Document | None) -> Document | None:
    """The persistent volume for a claim of this class, on a volume of the account; None where the claim waits."""
    if kept is None or kept["provisioner"] != DRIVER or dig(claim, "spec.volumeName"):
        return None
    identity, size = claim["metadata"]["uid"], _gigabytes(claim)
    body = {"label": f"pvc{identity[:16]}", "region": cluster.values["region"], "size": max(LEAST_GB, size)}
    volume = _create(world, cluster, "volume", body)
    if volume is None:
        return None
    claim["spec"]["volumeName"] = f"pvc-{identity}"
    claim["status"] = {"phase": "Bound"}
    return _persistent_volume(claim, volume, kept)


def _persistent_volume(claim: Document, volume: Record, kept: Document) -> Document:
    place = {name: claim["metadata"][name] for name in ("name", "namespace", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim["spec"]["volumeName"]},
        "spec": {
            "capacity": {"storage": f"{volume.values['size']}Gi"},
            "accessModes": claim["spec"].get("accessModes", ["ReadWriteOnce"]),
            "csi": {"driver": DRIVER, "volumeHandle": f"{volume.id}-{volume.values['label']}"},
            "claimRef": {"kind": "PersistentVolumeClaim", **place},
            "persistentVolumeReclaimPolicy": kept.get("reclaimPolicy", "Delete"),
            "storageClassName": kept["metadata"]["name"],
        },
        "status": {"phase": "Bound"},
    }


def unbind(world: World, volume: Document) -> bool:
    """Ends the claim on a persistent volume; whether it, and the volume behind it, are removed."""
    if dig(volume, "spec.persistentVolumeReclaimPolicy") != "Delete":
        volume["status"] = {"phase": "Released"}
        return False
    identifier = str(dig(volume, "spec.csi.volumeHandle")).partition("-")[0]
    if behind := world.find("volume", identifier):
        engine.remove(world, behind, world.state.settings.linger_seconds)
    return True


def _create(world: World, cluster: Record, kind: str, body: Document) -> Record | None:
    try:
        record = engine.create(world, kind, body)
    except Refusal:
        return None
    record.values["_cluster"] = cluster.id
    return record


def _balancer_label(service: Document) -> str:
    return f"ccm-{service['metadata']['uid'][:12]}"


def _find_balancer(world: World, service: Document) -> Record | None:
    label = _balancer_label(service)
    return next(world.iter("nodebalancer", lambda one: one.values["label"] == label), None)


def _gigabytes(claim: Document) -> int:
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", str(dig(claim, "spec.resources.requests.storage")))
    return -(-int(match[1]) * UNITS.get(match[2], 1) // 2**30) if match else 0

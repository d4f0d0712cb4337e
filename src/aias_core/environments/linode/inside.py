"""What an environment has inside its cluster: namespaces, quotas and network policies, compared and applied."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.kinds import label_of
from aias_core.secret import Secret
from aias_core.secrets.cluster import APPLY, ENVIRONMENT, Cluster, open_cluster

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.schema import LinodeProfile, Quota

Manifest = dict[str, Any]
MANAGED = {"app.kubernetes.io/managed-by": "aias"}
_QUOTA = "aias"
_PATHS = {
    "Namespace": ("/api/v1", "namespaces"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
}
_COMPARED = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class Inside:
    """What has to be applied and what of ours is no longer wanted, in order; `fault` is why it is not known."""

    changed: list[Manifest]
    surplus: list[Manifest]
    fault: str = ""

    @property
    def is_settled(self) -> bool:
        return not (self.changed or self.surplus or self.fault)

    def as_content(self) -> dict[str, Any]:
        """What would be done, without what the cluster itself writes into its objects."""
        removed = [_key(one) for one in self.surplus]
        return {"changed": self.changed, "removed": removed, "is_known": not self.fault}

    def count(self) -> dict[str, int]:
        """How many objects of each kind would be applied, and how many removed."""
        kinds = [one["kind"] for one in self.changed]
        return {**{kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}, "removed": len(self.surplus)}

    def describe(self) -> str:
        """The same in words."""
        if self.fault:
            return f"not known, {self.fault[0].lower()}{self.fault[1:]}"
        return ", ".join(f"{number} {kind}" for kind, number in self.count().items() if number) or "nothing to change"


@contextmanager
def open_access(account: LinodeAccount, environment: str) -> Iterator[Cluster | None]:
    """The environment's cluster as its administrator, inside this process only; None where there is none yet."""
    row = account.find_by_label("cluster", label_of(environment))
    if row is None or row.get("status") != "ready":
        yield None
        return
    with open_cluster(read_kubeconfig(account, row["id"])) as cluster:
        yield cluster


def read_kubeconfig(account: LinodeAccount, cluster_id: int) -> Secret:
    """The administrator's kubeconfig; asked for again while it is late."""
    encoded = account.get(f"/lke/clusters/{cluster_id}/kubeconfig")["kubeconfig"]
    return Secret(base64.b64decode(encoded).decode())


def build_manifests(profile: LinodeProfile) -> list[Manifest]:
    """Everything that an environment of that profile has inside its cluster, in the order in which it is applied."""
    from aias_core.environments.linode.network import build_topology
    from aias_core.network.policies import render_policies

    labels = {**MANAGED, ENVIRONMENT: profile.name}
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one.name, "labels": labels}}
        for one in profile.namespaces.values()
    ]
    quotas = [
        _build_quota(one.name, labels, profile.quotas[one.quota])
        for one in profile.namespaces.values()
        if one.quota is not None
    ]
    return [*spaces, *quotas, *render_policies(build_topology(profile))]


def compare_inside(cluster: Cluster | None, manifests: list[Manifest], environment: str) -> Inside:
    """What of the manifests is not so, and which of our policies are not among them. Without a cluster, all of it."""
    if cluster is None:
        return Inside(manifests, [])
    there = {_key(one): one for kind in _PATHS for one in _list(cluster, kind, environment)}
    wanted = {_key(one) for one in manifests}
    changed = [one for one in manifests if not _agrees(one, there.get(_key(one)))]
    surplus = [one for key, one in there.items() if key not in wanted and one["kind"] == "NetworkPolicy"]
    return Inside(changed, surplus)


def apply_manifest(cluster: Cluster, manifest: Manifest) -> None:
    """Server-side apply; harmless to repeat. Where something that somebody else added stays, it is replaced."""
    applied = cluster.call("PATCH", _path(manifest), manifest, APPLY)
    if not _agrees(manifest, applied):
        version = {"resourceVersion": applied["metadata"]["resourceVersion"]}
        cluster.call("PUT", _path(manifest), {**manifest, "metadata": {**manifest["metadata"], **version}})


def remove_object(cluster: Cluster, manifest: Manifest) -> None:
    """Deletes one; one that is not there is no error."""
    if cluster.find(_path(manifest)) is not None:
        cluster.call("DELETE", _path(manifest))


def _build_quota(namespace: str, labels: Mapping[str, str], quota: Quota) -> Manifest:
    hard = {
        "pods": str(quota.pods),
        "requests.cpu": str(quota.cpu),
        "requests.memory": f"{quota.memory_gib}Gi",
        "persistentvolumeclaims": str(quota.volumes),
        "requests.nvidia.com/gpu": str(quota.gpus),
    }
    metadata = {"name": _QUOTA, "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}


def _list(cluster: Cluster, kind: str, environment: str) -> Iterator[Manifest]:
    root, plural = _PATHS[kind]
    found = cluster.call("GET", f"{root}/{plural}", query=[("labelSelector", f"{ENVIRONMENT}={environment}")])
    for item in found["items"]:
        yield {**item, "kind": kind}


def _path(manifest: Manifest) -> str:
    root, plural = _PATHS[manifest["kind"]]
    metadata = manifest["metadata"]
    space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{space}/{plural}/{metadata['name']}"


def _key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _agrees(wanted: Manifest, there: Manifest | None) -> bool:
    if there is None:
        return False
    told = ((wanted["metadata"].get(name) or {}, there["metadata"].get(name) or {}) for name in _COMPARED)
    is_labelled = all(ours.items() <= theirs.items() for ours, theirs in told)
    return is_labelled and ("spec" not in wanted or _trim(wanted["spec"]) == _trim(there.get("spec")))


def _trim(value: Any) -> Any:
    """Without members that say nothing: an API server leaves some out and writes others."""
    if isinstance(value, Mapping):
        trimmed = {name: _trim(one) for name, one in value.items()}
        return {name: one for name, one in trimmed.items() if one is not None}
    return [_trim(one) for one in value] if isinstance(value, list) else value

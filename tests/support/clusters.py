"""A cluster of the fake Linode, as a kubeconfig."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import yaml
from kubernetes import client, config

from aias_core.secret import Secret
from support.linode import CLUSTER, TOKEN


@dataclass(frozen=True)
class FakeCluster:
    """What a test does by itself in a cluster."""

    kubeconfig: Secret
    api: client.ApiClient
    address: str

    def values(self, namespace: str, name: str) -> dict[str, str]:
        """The values of a Secret, as its consumer gets them."""
        found = client.CoreV1Api(self.api).read_namespaced_secret(name, namespace)
        return {key: base64.b64decode(value).decode() for key, value in found.data.items()}

    def sealed(self, namespace: str, name: str) -> dict[str, Any]:
        api = client.CustomObjectsApi(self.api)
        found = api.get_namespaced_custom_object("bitnami.com", "v1alpha1", namespace, "sealedsecrets", name)
        return dict(found)

    def versions(self) -> dict[str, str]:
        """The version of every secret and sealed secret: what changes with any write."""
        secrets = client.CoreV1Api(self.api).list_secret_for_all_namespaces().items
        sealed = client.CustomObjectsApi(self.api).list_cluster_custom_object(
            "bitnami.com", "v1alpha1", "sealedsecrets"
        )
        return {one.metadata.uid: one.metadata.resource_version for one in secrets} | {
            one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in sealed["items"]
        }

    def deploy(self, namespace: str, name: str, *, paused: bool = False) -> None:
        """A workload; one that is paused never replaces its pods."""
        labels = {"app": name}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": "example.test/x:1"}]}}
        spec = {"replicas": 2, "paused": paused, "selector": {"matchLabels": labels}, "template": pod}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
        client.AppsV1Api(self.api).create_namespaced_deployment(namespace, body)

    def pause(self, namespace: str, name: str, *, paused: bool = True) -> None:
        client.AppsV1Api(self.api).patch_namespaced_deployment(name, namespace, {"spec": {"paused": paused}})

    def resume(self, namespace: str, name: str) -> None:
        self.pause(namespace, name, paused=False)

    def write_secret(self, namespace: str, name: str, value: str) -> None:
        """A Secret that somebody wrote by hand."""
        head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        body = {**head, "stringData": {"value": value}}
        client.CoreV1Api(self.api).create_namespaced_secret(namespace, body)

    def hand_over(self, namespace: str, name: str) -> None:
        """Lets the sealed-secrets controller have a Secret that it did not make."""
        patch = {"metadata": {"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}}
        client.CoreV1Api(self.api).patch_namespaced_secret(name, namespace, patch)

    def marks(self, namespace: str, name: str) -> dict[str, str]:
        found = client.AppsV1Api(self.api).read_namespaced_deployment(name, namespace)
        return found.spec.template.metadata.annotations or {}

    def revoke(self) -> None:
        """Ends the access that the kubeconfig gives."""
        httpx.delete(self.address, headers={"Authorization": f"Bearer {TOKEN}"}).raise_for_status()

    def read_kubeconfig(self) -> Secret:
        """A kubeconfig that gives access again."""
        answer = httpx.get(self.address, headers={"Authorization": f"Bearer {TOKEN}"}).json()
        return Secret(base64.b64decode(answer["kubeconfig"]).decode())

    def replace_sealing_key(self, certificate: bytes) -> None:
        """As if somebody had installed a certificate that is not the controller's."""
        data = {"tls.crt": base64.b64encode(certificate).decode()}
        client.CoreV1Api(self.api).patch_namespaced_secret("sealed-secrets-key", "sealed-secrets", {"data": data})


def make_cluster(url: str, namespaces: Iterable[str], environment: str = "development") -> FakeCluster:
    """A new cluster of an environment with these namespaces; the controller of `sealed-secrets` is at work in it."""
    with httpx.Client(base_url=f"{url}/v4", headers={"Authorization": f"Bearer {TOKEN}"}) as linode:
        linode.post("/__simulator/reset")
        cluster = linode.post("/lke/clusters", json=CLUSTER).json()
        encoded = linode.get(f"/lke/clusters/{cluster['id']}/kubeconfig").json()["kubeconfig"]
    text = base64.b64decode(encoded).decode()
    api = config.new_client_from_config_dict(yaml.safe_load(text))
    for name in namespaces:
        metadata = {"name": name, "labels": {"aias.dev/environment": environment}}
        client.CoreV1Api(api).create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    return FakeCluster(Secret(text), api, f"{url}/v4/lke/clusters/{cluster['id']}/kubeconfig")

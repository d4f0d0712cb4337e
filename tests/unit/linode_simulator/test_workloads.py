"""What workloads make outside their cluster: volumes and NodeBalancers, which outlive it without a tag."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from support.linode import CLUSTER, control, make

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "edge"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 443}], "selector": {"app": "edge"}},
}


def claim(name: str, **spec: Any) -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "30Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": wanted}


class Cluster:
    """The Kubernetes API of a cluster."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.id = make(client, "/lke/clusters", **CLUSTER, tags=["env:development"])["id"]
        encoded = client.get(f"/v4/lke/clusters/{self.id}/kubeconfig").json()["kubeconfig"]
        token = yaml.safe_load(base64.b64decode(encoded))["users"][0]["user"]["token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"/kubernetes/{self.id}{path}", json=body, headers=self._headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def place(self, plural: str) -> str:
        return f"/api/v1/namespaces/default/{plural}"


@pytest.fixture
def cluster(client: TestClient) -> Cluster:
    return Cluster(client)


def rows(client: TestClient, path: str) -> list[dict[str, Any]]:
    return list(client.get(f"/v4{path}").json()["data"])


def test_a_service_of_load_balancers_has_a_nodebalancer_as_long_as_it_lives(
    client: TestClient, cluster: Cluster
) -> None:
    cluster.call("POST", cluster.place("services"), SERVICE)
    service = cluster.call("GET", f"{cluster.place('services')}/edge")
    balancer = rows(client, "/nodebalancers")[0]
    assert service["status"]["loadBalancer"]["ingress"][0]["ip"] == balancer["ipv4"]
    assert balancer["label"].startswith("ccm-")
    assert balancer["tags"] == [f"lke{cluster.id}"]
    assert [config["port"] for config in rows(client, f"/nodebalancers/{balancer['id']}/configs")] == [443]
    cluster.call("DELETE", f"{cluster.place('services')}/edge")
    assert rows(client, "/nodebalancers") == []
    cluster.call("POST", cluster.place("services"), {**SERVICE, "spec": {"ports": [{"port": 80}]}})
    assert rows(client, "/nodebalancers") == []


@pytest.mark.parametrize(
    ("storage_class", "left"), [("linode-block-storage", 0), ("linode-block-storage-retain", 1), (None, 1)]
)
def test_a_claim_has_a_volume_that_its_class_keeps_or_deletes(
    client: TestClient, cluster: Cluster, storage_class: str | None, left: int
) -> None:
    spec = {"storageClassName": storage_class} if storage_class else {}
    cluster.call("POST", cluster.place("persistentvolumeclaims"), claim("data", **spec))
    bound = cluster.call("GET", f"{cluster.place('persistentvolumeclaims')}/data")
    volume, handle = rows(client, "/volumes")[0], cluster.call("GET", "/api/v1/persistentvolumes")["items"][0]
    assert (bound["status"]["phase"], bound["spec"]["volumeName"]) == ("Bound", handle["metadata"]["name"])
    assert handle["spec"]["csi"]["volumeHandle"] == f"{volume['id']}-{volume['label']}"
    assert (volume["size"], volume["label"][:3]) == (30, "pvc")
    labelled = {**bound, "metadata": {**bound["metadata"], "labels": {"app": "data"}}}
    changed = cluster.call("PUT", f"{cluster.place('persistentvolumeclaims')}/data", labelled)
    assert (changed["status"], len(rows(client, "/volumes"))) == (bound["status"], 1)
    cluster.call("DELETE", f"{cluster.place('persistentvolumeclaims')}/data")
    assert len(rows(client, "/volumes")) == left


def test_a_cluster_leaves_what_its_workloads_made_without_tags_and_billed(client: TestClient, cluster: Cluster) -> None:
    cluster.call("POST", cluster.place("services"), SERVICE)
    cluster.call("POST", cluster.place("persistentvolumeclaims"), claim("data"))
    assert client.delete(f"/v4/lke/clusters/{cluster.id}").status_code == 200
    left = [rows(client, path)[0] for path in ("/nodebalancers", "/volumes")]
    assert [one["tags"] for one in left] == [[], []]
    billed = client.get("/v4/__simulator/ledger").json()["billed_now"]
    assert sorted(line["kind"] for line in billed) == ["nodebalancer", "volume"]


def test_a_namespace_takes_the_outside_parts_of_its_objects_with_it(client: TestClient, cluster: Cluster) -> None:
    cluster.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}})
    cluster.call("POST", "/api/v1/namespaces/edge/services", SERVICE)
    cluster.call("DELETE", "/api/v1/namespaces/edge")
    assert rows(client, "/nodebalancers") == []


def test_a_service_waits_where_the_account_has_reached_its_limit(client: TestClient, cluster: Cluster) -> None:
    control(client, "settings", {"limits": {"nodebalancer": 0}}, "PATCH")
    service = cluster.call("POST", cluster.place("services"), SERVICE)
    assert service.get("status", {}).get("loadBalancer", {}) == {}
    assert rows(client, "/nodebalancers") == []


def test_a_dry_run_makes_nothing_outside(client: TestClient, cluster: Cluster) -> None:
    cluster.call("POST", f"{cluster.place('services')}?dryRun=All", SERVICE)
    assert rows(client, "/nodebalancers") == []


def test_a_node_object_that_is_deleted_is_gone_and_its_machine_stays(client: TestClient, cluster: Cluster) -> None:
    names = [node["metadata"]["name"] for node in cluster.call("GET", "/api/v1/nodes")["items"]]
    assert names == [instance["label"] for instance in rows(client, "/linode/instances")]
    cluster.call("DELETE", f"/api/v1/nodes/{names[0]}")
    assert [node["metadata"]["name"] for node in cluster.call("GET", "/api/v1/nodes")["items"]] == names[1:]
    assert len(rows(client, "/linode/instances")) == 2


def test_the_kubernetes_api_fails_by_script_and_its_calls_are_in_the_log(client: TestClient, cluster: Cluster) -> None:
    path = f"/kubernetes/{cluster.id}{cluster.place('services')}"
    control(client, "faults", {"kind": "503", "method": "POST", "path": "/kubernetes/*/api/v1/**", "nth": 2})
    control(client, "faults", {"kind": "lost_answer", "method": "DELETE", "path": "/kubernetes/**"})
    cluster.call("POST", cluster.place("services"), {**SERVICE, "metadata": {"name": "one"}})
    refused = client.post(path, json=SERVICE, headers=cluster._headers)
    assert (refused.status_code, refused.json()["kind"], refused.json()["code"]) == (503, "Status", 503)
    with pytest.raises(ConnectionResetError):
        cluster.call("DELETE", f"{cluster.place('services')}/one")
    assert cluster.call("GET", cluster.place("services"))["items"] == []
    calls = [one for one in client.get("/v4/__simulator/calls").json() if one["path"].startswith("/kubernetes/")]
    assert [(one["method"], one["status"]) for one in calls] == [
        ("POST", 201), ("POST", 503), ("DELETE", None), ("GET", 200)
    ]  # fmt: skip


def test_a_claim_stays_with_its_volume_until_no_pod_uses_it(client: TestClient, cluster: Cluster) -> None:
    cluster.call(
        "POST", cluster.place("persistentvolumeclaims"), claim("data", storageClassName="linode-block-storage")
    )
    spec = {
        "containers": [{"name": "x", "image": "registry.example.org/x:1"}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
    cluster.call("POST", cluster.place("pods"), pod)
    cluster.call("DELETE", f"{cluster.place('persistentvolumeclaims')}/data")
    held = cluster.call("GET", f"{cluster.place('persistentvolumeclaims')}/data")
    assert "deletionTimestamp" in held["metadata"]
    assert len(rows(client, "/volumes")) == 1
    cluster.call("DELETE", f"{cluster.place('pods')}/x")
    assert cluster.call("GET", cluster.place("persistentvolumeclaims"))["items"] == []
    assert rows(client, "/volumes") == []


def test_what_workloads_had_lingers_where_deletions_do(client: TestClient, cluster: Cluster) -> None:
    control(client, "settings", {"linger_seconds": 30}, "PATCH")
    cluster.call("POST", cluster.place("services"), SERVICE)
    cluster.call(
        "POST", cluster.place("persistentvolumeclaims"), claim("data", storageClassName="linode-block-storage")
    )
    cluster.call("DELETE", f"{cluster.place('services')}/edge")
    cluster.call("DELETE", f"{cluster.place('persistentvolumeclaims')}/data")
    assert [len(rows(client, path)) for path in ("/nodebalancers", "/volumes")] == [1, 1]
    control(client, "clock", {"seconds": 31})
    assert [len(rows(client, path)) for path in ("/nodebalancers", "/volumes")] == [0, 0]

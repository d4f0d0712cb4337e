"""The clusters of the fake Linode through the kubeconfig it hands out, with the official Kubernetes client."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.rest import ApiException

from support.linode import CLUSTER, TOKEN, Simulator, simulator

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
SERVICE_ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount"}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
POD = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "x", "image": "x"}]}}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("simulator")) as started:
        yield started


@pytest.fixture
def linode(running: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{running.url}/v4", headers=HEADERS) as linode:
        linode.post("/__simulator/reset")
        yield linode


@pytest.fixture
def cluster(linode: httpx.Client) -> Any:
    pool = {"type": "g2-gpu-rtx4000a1-s", "count": 2, "labels": {"node-type": "gpu"}}
    pool["taints"] = [{"key": "gpu-workload", "value": "true", "effect": "NoSchedule"}]
    answer = linode.post("/lke/clusters", json={**CLUSTER, "node_pools": [pool]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def connect(linode: httpx.Client, cluster: Any) -> client.ApiClient:
    encoded = linode.get(f"/lke/clusters/{cluster['id']}/kubeconfig").json()["kubeconfig"]
    return config.new_client_from_config_dict(yaml.safe_load(base64.b64decode(encoded)))


@pytest.fixture
def kubernetes(linode: httpx.Client, cluster: Any) -> client.ApiClient:
    return connect(linode, cluster)


@pytest.fixture
def core(kubernetes: client.ApiClient) -> client.CoreV1Api:
    core = client.CoreV1Api(kubernetes)
    core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "env-development"}})
    return core


def apply(core: client.CoreV1Api, data: dict[str, str], manager: str = "aias", **more: Any) -> Any:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}
    return core.patch_namespaced_config_map(
        "settings", "env-development", body, field_manager=manager, _content_type="application/apply-patch+yaml", **more
    )


def refused(code: int, call: Any, *arguments: Any, **more: Any) -> ApiException:
    with pytest.raises(ApiException) as error:
        call(*arguments, **more)
    assert error.value.status == code
    return error.value


def test_nodes_are_those_of_the_pools(core: client.CoreV1Api, linode: httpx.Client, cluster: Any) -> None:
    nodes = core.list_node(label_selector="node-type=gpu").items
    assert [node.spec.taints[0].key for node in nodes] == ["gpu-workload"] * 2
    assert {node.status.conditions[0].status for node in nodes} == {"True"}
    assert nodes[0].status.capacity["nvidia.com/gpu"] == "1"
    core.patch_node(nodes[0].metadata.name, {"spec": {"unschedulable": True}})
    assert core.read_node(nodes[0].metadata.name).spec.unschedulable is True
    pool = linode.get(f"/lke/clusters/{cluster['id']}/pools").json()["data"][0]
    linode.put(f"/lke/clusters/{cluster['id']}/pools/{pool['id']}", json={"count": 3})
    assert len(core.list_node().items) == 3
    assert core.list_pod_for_all_namespaces().items == []


def test_what_prepares_a_cluster_is_taken_kept_and_removed(
    core: client.CoreV1Api, kubernetes: client.ApiClient
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "limits"},
        "spec": {"hard": {"pods": "100"}},
    }
    core.create_namespaced_resource_quota("env-development", quota)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "labels": {"aias": "yes"}},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    networks = client.NetworkingV1Api(kubernetes)
    networks.create_namespaced_network_policy("env-development", policy)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "dsn"}, "stringData": {"url": "x"}}
    made = core.create_namespaced_secret("env-development", secret)
    assert base64.b64decode(made.data["url"]) == b"x"
    assert [
        one.metadata.name for one in networks.list_network_policy_for_all_namespaces(label_selector="aias").items
    ] == ["deny"]
    refused(409, core.create_namespaced_secret, "env-development", secret)
    core.delete_namespace("env-development")
    refused(404, core.read_namespaced_secret, "dsn", "env-development")
    assert {one.metadata.name for one in core.list_namespace().items} >= {"default", "kube-system"}


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        pytest.param({"hard": {"pods": "1"}, "hrad": {}}, 422, id="unknown field"),
        pytest.param({"hard": ["pods"]}, 422, id="wrong type"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(
    core: client.CoreV1Api, kubernetes: client.ApiClient, spec: Any, code: int
) -> None:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limits"}, "spec": spec}
    path = "/api/v1/namespaces/env-development/resourcequotas"
    refused(code, kubernetes.call_api, path, "POST", body=body, auth_settings=["BearerToken"])
    assert core.list_namespaced_resource_quota("env-development").items == []


def test_names_and_namespaces_must_be_there(core: client.CoreV1Api) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not Valid"}}
    refused(422, core.create_namespaced_config_map, "env-development", body)
    refused(404, core.create_namespaced_config_map, "nowhere", {**body, "metadata": {"name": "valid"}})
    refused(400, core.create_namespaced_config_map, "env-development", {**body, "kind": "Secret"})
    refused(403, core.delete_namespace, "kube-system")


def test_an_apply_twice_changes_nothing_and_removes_what_is_no_longer_said(core: client.CoreV1Api) -> None:
    first = apply(core, {"a": "1", "b": "2"})
    again = apply(core, {"a": "1", "b": "2"})
    assert again.metadata.resource_version == first.metadata.resource_version
    assert apply(core, {"a": "1"}).data == {"a": "1"}


def test_an_apply_over_the_field_of_another_needs_force(core: client.CoreV1Api) -> None:
    apply(core, {"a": "1"})
    assert apply(core, {"b": "2"}, "argocd").data == {"a": "1", "b": "2"}
    assert 'conflict with "aias"' in json.loads(refused(409, apply, core, {"a": "9"}, "argocd").body)["message"]
    assert apply(core, {"a": "9"}, "argocd", force=True).data["a"] == "9"


def test_a_dry_run_leaves_everything_as_it_was(core: client.CoreV1Api) -> None:
    assert apply(core, {"a": "1"}, dry_run="All").data == {"a": "1"}
    refused(404, core.read_namespaced_config_map, "settings", "env-development")


def test_an_old_version_is_not_written_over_a_new_one(core: client.CoreV1Api) -> None:
    old = apply(core, {"a": "1"})
    apply(core, {"a": "2"})
    refused(409, core.replace_namespaced_config_map, "settings", "env-development", old)


def test_a_sealed_secret_is_an_object_like_another(kubernetes: client.ApiClient, core: client.CoreV1Api) -> None:
    custom = client.CustomObjectsApi(kubernetes)
    body = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "dsn"}, "spec": {}}
    place = ("bitnami.com", "v1alpha1", "env-development", "sealedsecrets")
    custom.create_namespaced_custom_object(*place, body)
    assert [one["metadata"]["name"] for one in custom.list_namespaced_custom_object(*place)["items"]] == ["dsn"]


def test_a_regenerated_kubeconfig_ends_the_old_one(linode: httpx.Client, cluster: Any, core: client.CoreV1Api) -> None:
    linode.delete(f"/lke/clusters/{cluster['id']}/kubeconfig")
    refused(401, core.list_node)
    assert len(client.CoreV1Api(connect(linode, cluster)).list_node().items) == 2


def test_an_access_list_without_the_caller_locks_it_out(running: Simulator, linode: httpx.Client, cluster: Any) -> None:
    path, url = f"/lke/clusters/{cluster['id']}/control_plane_acl", f"{running.url}/kubernetes/{cluster['id']}/version"
    linode.put(path, json={"acl": {"enabled": True, "addresses": {"ipv4": ["203.0.113.0/24"]}}})
    with pytest.raises(httpx.TransportError):
        httpx.get(url)
    linode.put(path, json={"acl": {"enabled": True, "addresses": {"ipv4": ["198.51.100.7"]}}})
    assert httpx.get(url).status_code == 401


@pytest.mark.parametrize(
    ("caller", "addresses", "is_let_in"),
    [
        ("198.51.100.7", {"ipv4": ["127.0.0.1"]}, False),
        ("198.51.100.7", {"ipv6": ["2001:db8::/64"]}, False),
        ("2001:db8::7", {"ipv6": ["2001:db8::/64"]}, True),
        ("2001:db8::7", {"ipv4": ["0.0.0.0/0"]}, False),
    ],
)
def test_an_access_list_knows_the_address_of_the_caller_alone(
    running: Simulator, linode: httpx.Client, cluster: Any, caller: str, addresses: Any, is_let_in: bool
) -> None:
    path, url = f"/lke/clusters/{cluster['id']}/control_plane_acl", f"{running.url}/kubernetes/{cluster['id']}/version"
    before = linode.get("/__simulator/settings").json()["client_address"]
    linode.patch("/__simulator/settings", json={"client_address": caller})
    linode.put(path, json={"acl": {"enabled": True, "addresses": addresses}})
    try:
        with nullcontext() if is_let_in else pytest.raises(httpx.TransportError):
            assert httpx.get(url).status_code == 401
    finally:
        linode.patch("/__simulator/settings", json={"client_address": before})


def test_a_cluster_takes_its_objects_with_it(linode: httpx.Client, cluster: Any, running: Simulator) -> None:
    linode.delete(f"/lke/clusters/{cluster['id']}")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{running.url}/kubernetes/{cluster['id']}/version")


def bind(kubernetes: client.ApiClient, role: str) -> str:
    """A token of a new account with that role in the namespace."""
    core, rbac = client.CoreV1Api(kubernetes), client.RbacAuthorizationV1Api(kubernetes)
    core.create_namespaced_service_account("env-development", {**SERVICE_ACCOUNT, "metadata": {"name": role}})
    subject = {"kind": "ServiceAccount", "name": role, "namespace": "env-development"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
    rbac.create_namespaced_role_binding("env-development", binding)
    request = {"spec": {"expirationSeconds": 600}}
    return str(core.create_namespaced_service_account_token(role, "env-development", request).status.token)


def with_token(kubernetes: client.ApiClient, token: str) -> client.CoreV1Api:
    configuration = client.Configuration(host=kubernetes.configuration.host)
    configuration.api_key["authorization"] = f"Bearer {token}"
    return client.CoreV1Api(client.ApiClient(configuration))


def test_a_token_of_an_account_does_what_its_role_allows(
    kubernetes: client.ApiClient, core: client.CoreV1Api, linode: httpx.Client
) -> None:
    viewer, editor = (with_token(kubernetes, bind(kubernetes, role)) for role in ("view", "edit"))
    assert viewer.list_namespaced_config_map("env-development").items == []
    refused(403, viewer.list_namespaced_secret, "env-development")
    refused(403, viewer.create_namespaced_config_map, "env-development", CONFIG_MAP)
    editor.create_namespaced_config_map("env-development", CONFIG_MAP)
    refused(403, editor.create_namespaced_config_map, "default", CONFIG_MAP)
    linode.post("/__simulator/clock", json={"seconds": 601})
    refused(401, viewer.list_namespaced_config_map, "env-development")


def test_a_token_ends_with_its_account(kubernetes: client.ApiClient, core: client.CoreV1Api) -> None:
    viewer = with_token(kubernetes, bind(kubernetes, "view"))
    core.delete_namespaced_service_account("view", "env-development")
    refused(401, viewer.list_namespaced_config_map, "env-development")


def test_an_eviction_needs_room_in_the_budget(kubernetes: client.ApiClient, core: client.CoreV1Api) -> None:
    for name in ("one", "two"):
        core.create_namespaced_pod("env-development", {**POD, "metadata": {"name": name, "labels": {"app": "x"}}})
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}}
    budget["spec"] = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    client.PolicyV1Api(kubernetes).create_namespaced_pod_disruption_budget("env-development", budget)
    core.create_namespaced_pod_eviction("one", "env-development", {"metadata": {"name": "one"}})
    refused(429, core.create_namespaced_pod_eviction, "two", "env-development", {"metadata": {"name": "two"}})
    assert [one.metadata.name for one in core.list_namespaced_pod("env-development").items] == ["two"]

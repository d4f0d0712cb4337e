"""Scripted failures by method, path and occurrence, and how what was held back comes when it is released."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from support.linode import CLUSTER, control, make, refusals

CLUSTERS, DATABASES = "/lke/clusters", "/databases/postgresql/instances"
DATABASE = {"label": "main", "type": "g6-nanode-1", "engine": "postgresql/16", "region": "fr-par"}
POOL = {"type": "g6-standard-2", "count": 2, "tags": ["gpu"]}


def fail(client: TestClient, kind: str, method: str = "POST", path: str = CLUSTERS, **rule: Any) -> None:
    control(client, "faults", {"kind": kind, "method": method, "path": path, **rule})


def nodes(client: TestClient, cluster: Any, pool: int = 0) -> list[str]:
    rows = client.get(f"/v4{CLUSTERS}/{cluster['id']}/pools").json()["data"]
    return [node["status"] for node in rows[pool]["nodes"]]


def kubeconfig(client: TestClient, cluster: Any) -> Any:
    return client.get(f"/v4{CLUSTERS}/{cluster['id']}/kubeconfig")


def test_a_cluster_stuck_has_no_kubeconfig_and_serves_nobody_until_it_is_released(client: TestClient) -> None:
    fail(client, "stuck")
    cluster = make(client, CLUSTERS, **CLUSTER)
    control(client, "clock", {"seconds": 900})
    assert client.get(f"/v4{CLUSTERS}/{cluster['id']}").json()["status"] == "not_ready"
    assert kubeconfig(client, cluster).status_code == 503
    with pytest.raises(ConnectionResetError):
        client.get(f"/kubernetes/{cluster['id']}/version")
    assert control(client, "release", {})["released"] == 3
    assert client.get(f"/v4{CLUSTERS}/{cluster['id']}").json()["status"] == "ready"
    assert kubeconfig(client, cluster).status_code == 200


def test_what_is_stuck_for_a_time_goes_on_by_itself(client: TestClient) -> None:
    fail(client, "stuck", seconds=900)
    cluster = make(client, CLUSTERS, **CLUSTER)
    control(client, "clock", {"seconds": 890})
    assert (kubeconfig(client, cluster).status_code, nodes(client, cluster)) == (503, ["not_ready"] * 2)
    control(client, "clock", {"seconds": 11})
    assert (kubeconfig(client, cluster).status_code, nodes(client, cluster)) == (200, ["ready"] * 2)


@pytest.mark.parametrize("wait", [None, 3_600])
def test_a_database_stuck_becomes_active_and_its_event_ends(client: TestClient, wait: int | None) -> None:
    fail(client, "stuck", path=DATABASES, seconds=wait)
    database = make(client, DATABASES, **DATABASE)

    def states() -> tuple[str, str]:
        rows = client.get("/v4/account/events", headers={"X-Filter": '{"action": "database_create"}'}).json()["data"]
        return client.get(f"/v4{DATABASES}/{database['id']}").json()["status"], rows[0]["status"]

    assert states() == ("provisioning", "started")
    if wait:
        control(client, "clock", {"seconds": wait + 1})
    else:
        assert control(client, "release", {}) == {"released": 1}
    assert states() == ("active", "finished")


def test_a_kubeconfig_is_late_for_some_calls(client: TestClient) -> None:
    cluster = make(client, CLUSTERS, **CLUSTER)
    fail(client, "503", "GET", f"{CLUSTERS}/*/kubeconfig", nth=2, times=3)
    assert [kubeconfig(client, cluster).status_code for _ in range(5)] == [200, 503, 503, 503, 200]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("partial_pool", ["ready", "not_ready"], ["ready"] * 2), ("short_pool", ["ready"], ["ready"] * 2)],
)
def test_a_pool_lacks_a_node_until_it_is_released(
    client: TestClient, kind: str, before: list[str], after: list[str]
) -> None:
    cluster = make(client, CLUSTERS, **CLUSTER)
    fail(client, kind, path=f"{CLUSTERS}/*/pools")
    assert make(client, f"{CLUSTERS}/{cluster['id']}/pools", **POOL)["count"] == 2
    assert nodes(client, cluster, 1) == before
    assert len(client.get("/v4/__simulator/ledger").json()["billed_now"]) == 2 + len(before)
    control(client, "release", {})
    assert nodes(client, cluster, 1) == after


def test_a_pool_that_grows_may_have_a_node_that_never_becomes_ready(client: TestClient) -> None:
    cluster = make(client, CLUSTERS, **CLUSTER)
    pool = client.get(f"/v4{CLUSTERS}/{cluster['id']}/pools").json()["data"][0]
    fail(client, "partial_pool", "PUT", f"{CLUSTERS}/*/pools/*")
    client.put(f"/v4{CLUSTERS}/{cluster['id']}/pools/{pool['id']}", json={"count": 3})
    assert nodes(client, cluster) == ["ready", "ready", "not_ready"]


def test_the_second_pool_is_refused(client: TestClient) -> None:
    cluster = make(client, CLUSTERS, **CLUSTER)
    fail(client, "400", path=f"{CLUSTERS}/*/pools", nth=2)
    make(client, f"{CLUSTERS}/{cluster['id']}/pools", **POOL)
    errors = refusals(client, f"{CLUSTERS}/{cluster['id']}/pools", {**POOL, "tags": ["two"]})
    assert errors == [{"reason": "Account Limit reached. Please open a support ticket."}]
    assert client.get(f"/v4{CLUSTERS}/{cluster['id']}/pools").json()["results"] == 2


def test_a_token_is_revoked_midway(client: TestClient) -> None:
    fail(client, "revoked", "GET", "/vpcs", nth=2)
    assert [client.get("/v4/vpcs").status_code for _ in range(3)] == [200, 401, 401]
    assert client.get("/v4/regions").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_access_list_comes_out_wrong_and_shuts_the_caller_out(client: TestClient, method: str) -> None:
    acl = {"enabled": True, "addresses": {"ipv4": ["198.51.100.7/32"]}}
    fail(client, "wrong_acl", method, "/lke/clusters" if method == "POST" else "/lke/clusters/*/control_plane_acl")
    cluster = make(client, CLUSTERS, **CLUSTER, control_plane={"acl": acl})
    path = f"/v4{CLUSTERS}/{cluster['id']}/control_plane_acl"
    if method == "PUT":
        assert client.put(path, json={"acl": acl}).json()["acl"]["addresses"]["ipv4"] == ["198.51.100.7/32"]
    assert client.get(path).json()["acl"]["addresses"]["ipv4"] == ["192.0.2.1/32"]
    with pytest.raises(ConnectionResetError):
        client.get(f"/kubernetes/{cluster['id']}/version")
    client.put(path, json={"acl": acl})
    assert client.get(f"/kubernetes/{cluster['id']}/version").status_code == 401


def test_pages_change_between_reads(client: TestClient) -> None:
    for number in range(30):
        make(client, "/domains", domain=f"d{number}.example.com", type="master", soa_email="ops@example.com")
    fail(client, "pages_change", "GET", "/domains", nth=2)

    def read() -> list[str]:
        pages = [client.get("/v4/domains", params={"page": page, "page_size": 25}).json() for page in (1, 2)]
        return [row["domain"] for page in pages for row in page["data"]]

    changed, settled = read(), read()
    assert (len(changed), len(set(changed)), len(set(settled))) == (30, 29, 30)


@pytest.mark.parametrize(
    ("rule", "told"),
    [({"retry_after": "17"}, "17"), ({"retry_after": None}, None), ({}, "1")],
    ids=["in seconds", "with none", "by default"],
)
@pytest.mark.parametrize("kind", ["408", "429"])
def test_a_refusal_says_how_long_to_wait_or_does_not(
    client: TestClient, kind: str, rule: dict[str, Any], told: str | None
) -> None:
    fail(client, kind, "GET", "/vpcs", **rule)
    answer = client.get("/v4/vpcs")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (int(kind), told)
    assert client.get("/v4/vpcs").status_code == 200

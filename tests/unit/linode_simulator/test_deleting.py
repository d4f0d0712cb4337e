"""What is being deleted on the fake Linode: listed until it is gone, billed no more, and closed to every write."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from support.linode import CLUSTER, ENTERPRISE, control, make, refusals

DELETING = "This resource is being deleted and cannot be changed."


@pytest.fixture
def cluster(client: TestClient) -> Any:
    """A cluster on its way out, for a minute."""
    cluster = make(client, "/lke/clusters", **CLUSTER)
    control(client, "settings", {"linger_seconds": 60}, "PATCH")
    assert client.delete(f"/v4/lke/clusters/{cluster['id']}").status_code == 200
    return cluster


def test_what_lingers_is_listed_with_its_nodes_until_all_of_it_is_gone(client: TestClient, cluster: Any) -> None:
    paths = ("/v4/lke/clusters", f"/v4/lke/clusters/{cluster['id']}/pools", "/v4/linode/instances")
    assert [client.get(path).json()["results"] for path in paths] == [1, 1, 2]
    assert {one["status"] for one in client.get("/v4/linode/instances").json()["data"]} == {"deleting"}
    assert client.get("/v4/__simulator/ledger").json()["billed_now"] == []
    control(client, "clock", {"seconds": 61})
    assert client.get(f"/v4/lke/clusters/{cluster['id']}").status_code == 404
    assert client.get("/v4/linode/instances").json()["results"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"tags": ["new"]}),
        ("POST", "/pools", {"type": "g6-standard-2", "count": 1}),
        ("POST", "/recycle", {}),
        ("PUT", "/control_plane_acl", {"acl": {"enabled": True}}),
    ],
)
def test_what_lingers_takes_no_write(client: TestClient, cluster: Any, method: str, path: str, body: Any) -> None:
    before = client.get("/v4/__simulator/ledger").json()["charges"]
    assert refusals(client, f"/lke/clusters/{cluster['id']}{path}", body, method) == [{"reason": DELETING}]
    assert len(client.get("/v4/__simulator/ledger").json()["charges"]) == len(before)


def test_a_second_deletion_does_not_begin_anew(client: TestClient, cluster: Any) -> None:
    control(client, "clock", {"seconds": 40})
    events = client.get("/v4/account/events").json()["results"]
    assert client.delete(f"/v4/lke/clusters/{cluster['id']}").status_code == 200
    assert client.get("/v4/account/events").json()["results"] == events
    control(client, "clock", {"seconds": 21})
    assert client.get(f"/v4/lke/clusters/{cluster['id']}").status_code == 404


def test_what_lingers_is_gone_with_what_holds_it(client: TestClient) -> None:
    vpc = make(client, "/vpcs", label="aias-development", region="fr-par")
    subnet = make(client, f"/vpcs/{vpc['id']}/subnets", label="nodes", ipv4="10.0.0.0/24")
    control(client, "settings", {"linger_seconds": 60}, "PATCH")
    assert client.delete(f"/v4/vpcs/{vpc['id']}/subnets/{subnet['id']}").status_code == 200
    control(client, "settings", {"linger_seconds": 0}, "PATCH")
    assert client.delete(f"/v4/vpcs/{vpc['id']}").status_code == 200
    again = make(client, "/vpcs", label="aias-development", region="fr-par")
    assert client.get(f"/v4/vpcs/{again['id']}/subnets").json()["results"] == 0


def test_a_name_and_a_limit_are_free_when_the_deletion_has_ended(client: TestClient, cluster: Any) -> None:
    control(client, "settings", {"limits": {"lke_cluster": 1}}, "PATCH")
    refusals(client, "/lke/clusters", CLUSTER)
    refusals(client, "/lke/clusters", {**CLUSTER, "label": "other"})
    control(client, "clock", {"seconds": 61})
    assert make(client, "/lke/clusters", **CLUSTER)["id"] != cluster["id"]


def test_nothing_new_may_refer_to_what_is_being_deleted(client: TestClient) -> None:
    linode = make(client, "/linode/instances", type="g6-nanode-1", region="fr-par")
    vpc = make(client, "/vpcs", label="net", region="fr-par", subnets=[{"label": "one", "ipv4": "10.0.0.0/24"}])
    control(client, "settings", {"linger_seconds": 60}, "PATCH")
    for path in (f"/linode/instances/{linode['id']}", f"/vpcs/{vpc['id']}"):
        assert client.delete(f"/v4{path}").status_code == 200
    network = {"vpc_id": vpc["id"], "subnet_id": vpc["subnets"][0]["id"]}
    database = {"label": "main", "type": "g6-nanode-1", "engine": "postgresql/16", "region": "fr-par"}
    assert refusals(client, "/volumes", {"label": "disk", "linode_id": linode["id"]})[0]["field"] == "linode_id"
    refused = client.post("/v4beta/lke/clusters", json={**ENTERPRISE, **network})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "vpc_id")
    assert refusals(client, "/databases/postgresql/instances", {**database, "private_network": network})


def test_a_network_is_in_use_until_the_deletion_of_its_cluster_has_ended(client: TestClient) -> None:
    vpc = make(client, "/vpcs", label="net", region="fr-par")
    cluster = make(client, "/lke/clusters", version="v4beta", **ENTERPRISE, vpc_id=vpc["id"])
    control(client, "settings", {"linger_seconds": 60}, "PATCH")
    client.delete(f"/v4/lke/clusters/{cluster['id']}")
    assert client.delete(f"/v4/vpcs/{vpc['id']}").status_code == 400
    control(client, "clock", {"seconds": 61})
    assert client.delete(f"/v4/vpcs/{vpc['id']}").status_code == 200


def test_a_revoked_token_is_invalid_at_once(client: TestClient) -> None:
    token = make(client, "/profile/tokens", scopes="*")
    control(client, "settings", {"linger_seconds": 60}, "PATCH")
    client.delete(f"/v4/profile/tokens/{token['id']}")
    assert client.get("/v4/vpcs", headers={"Authorization": f"Bearer {token['token']}"}).status_code == 401

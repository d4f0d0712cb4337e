"""What the fake Linode refuses, as the real one does, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from support.linode import CLUSTER, ENTERPRISE, control, make, refusals

VPC = {"label": "net", "region": "fr-par"}
RULES = {"inbound": [], "inbound_policy": "DROP", "outbound": [], "outbound_policy": "ACCEPT"}
DATABASE = {"label": "main", "type": "g6-nanode-1", "engine": "postgresql/16", "region": "fr-par"}


def fire(**rule: Any) -> dict[str, Any]:
    """A firewall with one rule."""
    return {"label": "fire", "rules": {**RULES, "inbound": [{"action": "ACCEPT", "protocol": "TCP", **rule}]}}


def with_acl(family: str, address: str) -> dict[str, Any]:
    """A cluster with one address in its access list."""
    return {**CLUSTER, "control_plane": {"acl": {"enabled": True, "addresses": {family: [address]}}}}


@pytest.mark.parametrize(
    ("path", "body", "reason", "field"),
    [
        pytest.param("/lke/clusters", {**CLUSTER, "x": 1}, "('x' was unexpected)", "x", id="unknown field"),
        pytest.param("/lke/clusters", {"region": "fr-par"}, "label is required", "label", id="missing field"),
        pytest.param("/lke/clusters", {**CLUSTER, "label": 7}, "Must be of type String", "label", id="wrong type"),
        pytest.param(
            "/volumes", {"label": "v", "region": "fr-par", "size": True}, "Integer", "size", id="truth is no number"
        ),
        pytest.param(
            "/volumes", {"label": "v", "region": "fr-par", "size": 9}, "Must be 10-16384", "size", id="too small volume"
        ),
        pytest.param("/lke/clusters", {**CLUSTER, "region": "mars"}, "region is not valid", "region", id="region"),
        pytest.param(
            "/lke/clusters",
            {**CLUSTER, "k8s_version": "1.19"},
            "k8s_version is not valid",
            "k8s_version",
            id="retired version",
        ),
        pytest.param(
            "/lke/clusters", {**CLUSTER, "node_pools": []}, "at least one node pool", "node_pools", id="no pool"
        ),
        pytest.param(
            "/lke/clusters",
            {**CLUSTER, "node_pools": [{"type": "g6-standard-4", "count": 0}]},
            "Must be 1-100",
            "node_pools[0].count",
            id="empty pool",
        ),
        pytest.param(
            "/lke/clusters",
            {**CLUSTER, "region": "us-central", "node_pools": [{"type": "g2-gpu-rtx4000a1-s", "count": 1}]},
            "not available in us-central",
            "node_pools[0].type",
            id="no GPUs there",
        ),
        pytest.param(
            "/object-storage/buckets",
            {"label": "aias", "region": "us-west"},
            "region is not valid",
            "region",
            id="no S3",
        ),
        pytest.param(
            "/vpcs",
            {**VPC, "subnets": [{"label": "a", "ipv4": "10.0.0.0/16"}, {"label": "b", "ipv4": "10.0.9.0/24"}]},
            "overlap",
            "subnets[1].ipv4",
            id="overlapping subnets",
        ),
        pytest.param(
            "/vpcs",
            {**VPC, "subnets": [{"label": "a", "ipv4": "8.8.8.0/24"}]},
            "not allowed",
            "subnets[0].ipv4",
            id="public subnet",
        ),
        pytest.param(
            "/networking/firewalls",
            {"label": "fire", "rules": {**RULES, "inbound": [{"action": "ACCEPT", "protocol": "TCP"}] * 26}},
            "at most 25 rules",
            "rules.inbound",
            id="too many rules",
        ),
        *(
            pytest.param("/lke/clusters", with_acl(family, one), "address", f"control_plane.acl.addresses.{family}[0]")
            for family, one in (
                ("ipv4", "home"),
                ("ipv4", "10.0.0.0/33"),
                ("ipv4", "2001:db8::1"),
                ("ipv6", "10.0.0.1"),
            )
        ),
        *(
            pytest.param(
                "/networking/firewalls", fire(ports=ports), "ports", "rules.inbound[0].ports", id=f"ports {ports}"
            )
            for ports in (
                "0",
                "65536",
                "http",
                "90-80",
                "80-",
                "1-2-3",
                "80,,81",
                ",".join(map(str, range(1, 17))),
                "1-9," * 7 + "1-9",
            )
        ),
        pytest.param(
            "/networking/firewalls", fire(protocol="ICMP", ports="80"), "ICMP", "rules.inbound[0].ports", id="no ports"
        ),
        pytest.param(
            "/networking/firewalls",
            fire(addresses={"ipv4": ["192.0.2.1"]}),
            "Must be in IP/mask format",
            "rules.inbound[0].addresses.ipv4[0]",
            id="address without a mask",
        ),
        pytest.param(
            "/networking/firewalls",
            fire(addresses={"ipv4": [f"10.0.{n}.0/24" for n in range(256)]}),
            "at most 255 addresses",
            "rules.inbound[0].addresses",
            id="too many addresses",
        ),
        pytest.param(
            "/networking/firewalls",
            {
                "label": "fire",
                "rules": {**RULES, **{way: fire()["rules"]["inbound"] * 13 for way in ("inbound", "outbound")}},
            },
            "at most 25 rules",
            "rules.inbound",
            id="too many rules both ways",
        ),
        pytest.param(
            "/databases/postgresql/instances",
            {**DATABASE, "fork": {"source": 404}},
            "source is not valid",
            "fork.source",
            id="fork of nothing",
        ),
        pytest.param(
            "/databases/postgresql/instances",
            {**DATABASE, "allow_list": ["home"]},
            "CIDR",
            "allow_list[0]",
            id="allow list",
        ),
        pytest.param(
            "/volumes", {"label": "v", "region": "fr-par", "size": 16_385}, "10-16384", "size", id="too large volume"
        ),
        pytest.param("/linode/instances", {"type": "g9", "region": "fr-par"}, "type is not valid", "type", id="plan"),
        pytest.param(
            "/domains", {"domain": "example.com", "type": "master"}, "soa_email required", "soa_email", id="no e-mail"
        ),
        pytest.param("/profile/tokens", {"scopes": "moon:read_only"}, "Invalid OAuth scope", "scopes", id="scope"),
    ],
)
def test_what_linode_refuses_is_refused(client: TestClient, path: str, body: Any, reason: str, field: str) -> None:
    errors = refusals(client, path, body)
    assert any(reason in error["reason"] and error.get("field") == field for error in errors), errors
    assert client.get("/v4/__simulator/ledger").json()["charges"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/lke/clusters", CLUSTER),
        ("/vpcs", VPC),
        ("/networking/firewalls", {"label": "fire", "rules": RULES}),
        ("/volumes", {"label": "disk", "region": "fr-par"}),
        ("/nodebalancers", {"label": "edge", "region": "fr-par"}),
        ("/linode/instances", {"label": "one", "region": "fr-par", "type": "g6-nanode-1"}),
        ("/object-storage/buckets", {"label": "aias-state", "region": "fr-par"}),
        ("/domains", {"domain": "example.com", "type": "master", "soa_email": "ops@example.com"}),
    ],
)
def test_a_name_that_is_taken_is_refused_and_nothing_is_made(client: TestClient, path: str, body: Any) -> None:
    make(client, path, **body)
    before = client.get("/v4/__simulator/ledger").json()["charges"]
    refusals(client, path, body)
    assert client.get(f"/v4{path}").json()["results"] == 1
    assert len(client.get("/v4/__simulator/ledger").json()["charges"]) == len(before)


def test_a_create_is_not_idempotent_where_the_real_one_is_not(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    for _ in range(2):
        make(client, f"/lke/clusters/{cluster['id']}/pools", type="g6-standard-2", count=1)
    assert client.get(f"/v4/lke/clusters/{cluster['id']}/pools").json()["results"] == 3


def test_the_account_limit_counts_the_nodes_of_clusters(client: TestClient) -> None:
    control(client, "settings", {"limits": {"linode": 3}}, "PATCH")
    cluster = make(client, "/lke/clusters", **CLUSTER)
    errors = refusals(client, f"/lke/clusters/{cluster['id']}/pools", {"type": "g6-standard-2", "count": 2})
    assert errors == [{"reason": "Account Limit reached. Please open a support ticket."}]
    assert client.get("/v4/linode/instances").json()["results"] == 2


def test_a_volume_in_use_a_subnet_in_use_and_a_locked_cluster_stay(client: TestClient) -> None:
    network = make(client, "/vpcs", **VPC, subnets=[{"label": "one", "ipv4": "10.0.0.0/24"}])
    place = {"vpc_id": network["id"], "subnet_id": network["subnets"][0]["id"]}
    cluster = make(client, "/lke/clusters", version="v4beta", **ENTERPRISE, **place)
    linode = make(client, "/linode/instances", type="g6-nanode-1", region="fr-par")
    volume = make(client, "/volumes", label="disk", linode_id=linode["id"])
    lock = make(
        client, "/locks", version="v4beta", entity_id=cluster["id"], entity_type="lkecluster", lock_type="cannot_delete"
    )
    for path in (f"/vpcs/{network['id']}", f"/volumes/{volume['id']}", f"/lke/clusters/{cluster['id']}"):
        assert client.delete(f"/v4{path}").status_code in (400, 403)
    client.delete(f"/v4beta/locks/{lock['id']}")
    client.post(f"/v4/volumes/{volume['id']}/detach")
    for path in (f"/lke/clusters/{cluster['id']}", f"/vpcs/{network['id']}", f"/volumes/{volume['id']}"):
        assert client.delete(f"/v4{path}").status_code == 200
        assert client.get(f"/v4{path}").status_code == 404


def test_a_cluster_of_the_standard_tier_lives_in_no_vpc(client: TestClient) -> None:
    network = make(client, "/vpcs", **VPC, subnets=[{"label": "one", "ipv4": "10.0.0.0/24"}])
    place = {"vpc_id": network["id"], "subnet_id": network["subnets"][0]["id"]}
    errors = refusals(client, "/lke/clusters", {**CLUSTER, **place})
    assert [error["field"] for error in errors] == ["vpc_id", "subnet_id"]


def test_unknown_paths_methods_and_bodies(client: TestClient) -> None:
    assert client.get("/v4/nothing").json() == {"errors": [{"reason": "Not found"}]}
    assert client.get("/v5/vpcs").status_code == 404
    assert client.delete("/v4/regions/fr-par").status_code == 405
    assert client.post("/v4/vpcs", content=b"{").status_code == 400
    assert client.post("/v4/vpcs", content=b"[]").status_code == 400
    assert client.get("/v4/vpcs").headers["X-Spec-Version"] == "4.229.1"


def test_lists_and_maps_that_are_null_count_as_not_given(client: TestClient) -> None:
    """As the API's Go client sends them."""
    pool = {"type": "g6-standard-4", "count": 1, "disks": None, "tags": None, "labels": None, "taints": None}
    cluster = make(client, "/lke/clusters", **{**CLUSTER, "node_pools": [pool], "tags": None})
    assert cluster["tags"] == []
    made = client.get(f"/v4/lke/clusters/{cluster['id']}/pools").json()["data"][0]
    assert (made["taints"], made["labels"], made["tags"]) == ([], {}, [])


def test_a_firewall_takes_fifteen_ports_and_all_the_addresses_it_may(client: TestClient) -> None:
    ports = ",".join(map(str, range(1, 12))) + ",80-90,443-444"
    addresses = {"ipv4": [f"10.0.{n}.0/24" for n in range(254)], "ipv6": ["2001:db8::/32"]}
    rules = make(client, "/networking/firewalls", **fire(ports=ports, addresses=addresses))["rules"]
    assert rules["inbound"][0]["ports"] == ports


def test_an_access_list_is_checked_when_it_changes(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **with_acl("ipv4", "198.51.100.7/32"))
    path = f"/lke/clusters/{cluster['id']}/control_plane_acl"
    errors = refusals(client, path, {"acl": {"enabled": True, "addresses": {"ipv4": ["198.51.100"]}}}, "PUT")
    assert errors[0]["field"] == "acl.addresses.ipv4[0]"
    assert client.get(f"/v4{path}").json()["acl"]["addresses"]["ipv4"] == ["198.51.100.7/32"]


def test_an_access_list_is_checked_when_its_cluster_changes(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    wrong = {"control_plane": with_acl("ipv4", "198.51.100")["control_plane"]}
    errors = refusals(client, f"/lke/clusters/{cluster['id']}", wrong, "PUT")
    assert errors[0]["field"] == "control_plane.acl.addresses.ipv4[0]"


def test_a_fork_has_a_source_and_a_time_that_was_kept(client: TestClient) -> None:
    path = "/databases/postgresql/instances"
    source = make(client, path, **DATABASE)["id"]
    for at in ("yesterday", "2020-01-01T00:00:00", "2999-01-01T00:00:00"):
        errors = refusals(client, path, {**DATABASE, "label": "two", "fork": {"source": source, "restore_time": at}})
        assert errors[0]["field"] == "fork.restore_time"
    assert make(client, path, **{**DATABASE, "label": "two"}, fork={"source": source})["fork"]["source"] == source


def test_a_subnet_in_use_by_a_database_stays(client: TestClient) -> None:
    vpc = make(client, "/vpcs", **VPC, subnets=[{"label": "one", "ipv4": "10.0.0.0/24"}])
    subnet = vpc["subnets"][0]["id"]
    network = {"vpc_id": vpc["id"], "subnet_id": subnet}
    database = make(client, "/databases/postgresql/instances", **DATABASE, private_network=network)
    path = f"/v4/vpcs/{vpc['id']}"
    assert client.get(f"{path}/subnets/{subnet}").json()["databases"][0]["id"] == database["id"]
    assert (client.delete(f"{path}/subnets/{subnet}").status_code, client.delete(path).status_code) == (400, 400)
    client.delete(f"/v4/databases/postgresql/instances/{database['id']}")
    assert client.delete(path).status_code == 200

"""A call to the fake Linode takes effect whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from aias_services.linode_simulator.world import World
from support.linode import CLUSTER, control, make, refusals

POOL = {"type": "g6-standard-4", "count": 2}
HALFWAY = [
    pytest.param("/nodebalancers", {"region": "fr-par", "configs": [{}, {}]}, id="two configs on one port"),
    pytest.param(
        "/vpcs",
        {"label": "net", "region": "fr-par", "subnets": [{"label": "a", "ipv4": f"10.0.{n}.0/24"} for n in (0, 1)]},
        id="second subnet",
    ),
    pytest.param("/lke/clusters", {**CLUSTER, "node_pools": [{**POOL, "count": 100}] * 3}, id="third pool"),
]
FIREWALL = {"label": "fire", "rules": {"inbound_policy": "DROP", "outbound_policy": "ACCEPT"}}


def held(client: TestClient) -> dict[str, Any]:
    """What is listed of the account, and its charges and events."""
    paths = ("lke/clusters", "linode/instances", "vpcs", "nodebalancers", "networking/firewalls", "account/events")
    lists = {path: client.get(f"/v4/{path}").json()["data"] for path in paths}
    charges = client.get("/v4/__simulator/ledger").json()["charges"]
    return {**lists, "charges": [{**charge, "seconds": None} for charge in charges]}


@pytest.mark.parametrize(("path", "body"), HALFWAY)
def test_a_create_that_is_refused_halfway_leaves_nothing(client: TestClient, path: str, body: Any) -> None:
    before = held(client)
    refusals(client, path, body)
    assert held(client) == before


@pytest.mark.parametrize(("path", "body"), HALFWAY)
def test_these_creates_are_refused_when_something_was_made_already(
    client: TestClient, path: str, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "restore", lambda *_: None)
    before = held(client)
    refusals(client, path, body)
    assert held(client) != before


def test_a_firewall_over_one_machine_twice_is_refused_whole(client: TestClient) -> None:
    linode = make(client, "/linode/instances", type="g6-nanode-1", region="fr-par")
    before = held(client)
    refusals(client, "/networking/firewalls", {**FIREWALL, "devices": {"linodes": [linode["id"]] * 2}})
    assert held(client) == before


def test_a_cluster_is_recycled_whole_or_not_at_all(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **{**CLUSTER, "node_pools": [POOL]})
    control(client, "settings", {"limits": {"linode": 1}}, "PATCH")
    before = held(client)
    refusals(client, f"/lke/clusters/{cluster['id']}/recycle", {})
    assert held(client) == before

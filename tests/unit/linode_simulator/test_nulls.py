"""Null, and values of a wrong type, anywhere in a body: refused or passed over, and never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from aias_services.linode_simulator.exchange import Answer, Request
from aias_services.linode_simulator.fields import Field
from aias_services.linode_simulator.resources import REGISTRY
from support.linode import CLUSTER, TOKEN, make, make_application, refusals

RULE = {"action": "ACCEPT", "protocol": "TCP", "ports": "443", "addresses": {"ipv4": ["192.0.2.0/24"], "ipv6": []}}
RULES = {"inbound": [RULE], "inbound_policy": "DROP", "outbound": [], "outbound_policy": "ACCEPT"}
# A body that is taken, with something at every depth.
BODIES: dict[str, dict[str, Any]] = {
    "/lke/clusters": {
        **CLUSTER,
        "node_pools": [{"type": "g6-standard-4", "count": 1, "labels": {"a": "b"}, "taints": [], "autoscaler": {}}],
        "control_plane": {"acl": {"enabled": True, "addresses": {"ipv4": ["192.0.2.1"], "ipv6": []}}},
    },
    "/vpcs": {"label": "net", "region": "fr-par", "subnets": [{"label": "one", "ipv4": "10.0.0.0/24"}]},
    "/networking/firewalls": {"label": "fire", "rules": RULES, "devices": {"linodes": [], "nodebalancers": []}},
    "/volumes": {"label": "disk", "region": "fr-par"},
    "/nodebalancers": {"region": "fr-par", "configs": [{"port": 80, "nodes": []}]},
    "/linode/instances": {
        "region": "fr-par",
        "type": "g6-nanode-1",
        "interfaces": [{"purpose": "public"}],
        "metadata": {"user_data": "x"},
    },
    "/databases/postgresql/instances": {
        "label": "main",
        "type": "g6-nanode-1",
        "engine": "postgresql/16",
        "region": "fr-par",
        "fork": {"source": 1},
        "private_network": {"vpc_id": 1, "subnet_id": 1},
    },
    "/object-storage/buckets": {"label": "aias-state", "region": "fr-par"},
    "/object-storage/keys": {"label": "key", "bucket_access": [], "regions": []},
    "/domains": {"domain": "example.com", "type": "master", "soa_email": "ops@example.com"},
    "/profile/tokens": {"scopes": "*"},
    "/profile/sshkeys": {"label": "me", "ssh_key": "ssh-ed25519 AAAAC3Nz me@example"},
    "/locks": {"entity_id": 1, "entity_type": "volume", "lock_type": "cannot_delete"},
    "/linode/stackscripts": {"label": "setup", "script": "#!/bin/sh\n", "images": ["linode/debian12"]},
}
WRONG = (None, [None], {"x": None}, 1, "x", [[]])


def with_each_wrong(body: Any) -> Iterator[Any]:
    """The body with each of its values wrong in turn, at every depth."""
    items = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in list(items):
        copies = [*WRONG, *(with_each_wrong(value) if isinstance(value, dict | list) else ())]
        for wrong in copies:
            copy = dict(body) if isinstance(body, dict) else list(body)
            copy[key] = wrong
            yield copy


def wrong_bodies(path: str) -> Iterator[dict[str, Any]]:
    """Each value of the body of a path wrong in turn, and each field that it does not hold."""
    yield from with_each_wrong(BODIES[path])
    fields: Mapping[str, Field] = next(one.fields for one in REGISTRY.values() if one.path == path)
    for name, field in fields.items():
        if name not in BODIES[path] and field.writable(creating=True):
            yield from ({**BODIES[path], name: wrong} for wrong in WRONG)


@pytest.mark.parametrize("path", BODIES)
def test_a_body_with_something_wrong_is_refused_or_passed_over(path: str) -> None:
    application = make_application()

    def call(method: str, place: str, body: Any = None) -> Answer:
        headers = {"authorization": f"Bearer {TOKEN}"}
        return application.decide(Request(method, place, {}, headers, json.dumps(body).encode()), place, beta=True)[1]

    application.world.state.settings.enforce_rates = False
    for body in wrong_bodies(path):
        assert call("POST", path, body).status in (200, 400), body
        for row in call("GET", path).document["data"][:1]:
            if "id" in row:
                assert call("PUT", f"{path}/{row['id']}", body).status in (200, 400, 405), body


def test_every_type_that_is_made_at_a_path_of_its_own_has_a_body_here() -> None:
    made = {one.path for one in REGISTRY.values() if "create" in one.verbs and "{" not in one.path}
    assert made == set(BODIES)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/networking/firewalls", {"label": "fire", "rules": None}, "rules"),
        ("/volumes", {"label": None, "region": "fr-par"}, "label"),
        ("/lke/clusters", {**CLUSTER, "node_pools": [None]}, "node_pools[0]"),
        ("/object-storage/keys", {"label": "key", "bucket_access": [None]}, "bucket_access[0]"),
        ("/vpcs", {"label": "net", "region": "fr-par", "subnets": [None]}, "subnets[0]"),
        ("/linode/instances", {"region": "fr-par", "type": "g6-nanode-1", "interfaces": [None]}, "interfaces[0]"),
    ],
)
def test_null_for_what_must_be_there_is_refused(client: TestClient, path: str, body: Any, field: str) -> None:
    assert {"reason": "Must not be null", "field": field} in refusals(client, path, body)


def test_null_lists_within_an_object_count_as_not_given(client: TestClient) -> None:
    """As the API's Go client sends them."""
    rules = {**RULES, "inbound": None}
    assert make(client, "/networking/firewalls", label="fire", rules=rules, devices={"linodes": None})["entities"] == []


@pytest.mark.parametrize("body", [None, [], {"acl": None}, {"acl": {"addresses": None}}, {"acl": {"enabled": None}}])
def test_null_in_an_action_is_refused_or_passed_over(client: TestClient, body: Any) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    answer = client.put(f"/v4/lke/clusters/{cluster['id']}/control_plane_acl", json=body)
    assert answer.status_code in (200, 400)
    assert client.get(f"/v4/lke/clusters/{cluster['id']}").status_code == 200

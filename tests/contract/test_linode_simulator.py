"""Every name and type of the fake Linode API against the specification inside the linode-cli package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from aias_services.linode_simulator.fields import Access, Field
from aias_services.linode_simulator.resources import OPERATIONS, REGISTRY
from support.linode import ENTERPRISE, make_client, specification

# linode-cli serves buckets through its S3 plug-in, and lists the firewalls of a NodeBalancer nowhere.
NOT_IN_THE_CLI = re.compile(r"\w+ /object-storage/buckets.*|GET /nodebalancers/{}/firewalls")
# Not in the specification; the API's Go client sends and reads it.
BEYOND = "client_udp_sess_throttle"
LATER_OF_CONFIGS = ("check_passive", "cipher_suite", "proxy_protocol", "ssl_cert", "ssl_key")
# The package flattens these otherwise than they are sent, or the simulator passes over them.
NOT_COMPARED = {
    "POST /nodebalancers": {BEYOND} | {f"configs.{name}" for name in LATER_OF_CONFIGS},
    "PUT /nodebalancers/{}": {BEYOND},
    "POST /networking/firewalls": {"entities.id", "entities.type"},
    "PUT /linode/instances/{}": {"backups.schedule.day", "backups.schedule.window", "ipv4"},
    "PUT /databases/postgresql/instances/{}": {
        f"updates.pending.{name}" for name in ("deadline", "description", "planned_for")
    },
    "PUT /lke/clusters/{}/pools/{}": {"k8s_version", "update_strategy"},
    "POST /linode/stackscripts": {"user_defined_fields"},
    "PUT /linode/stackscripts/{}": {"user_defined_fields"},
}
# The package splits database plans by engine; the API answers them otherwise (recorded by linodego).
DATABASE_PLANS = ("GET /databases/types", "GET /databases/types/{}")
MORE_ANSWERS = {route: {"class", "disk", "memory", "vcpus", "engines"} for route in DATABASE_PLANS} | {
    "GET /nodebalancers": {BEYOND},
    "GET /nodebalancers/{}": {BEYOND},
}
NOT_ANSWERED = {
    route: {"_split", "engines.price.hourly", "engines.price.monthly", "engines.quantity"} for route in DATABASE_PLANS
}


# Parts of an answer that the simulator does not filter by.
NOT_FILTERED = re.compile(r"placement_group\..*|subnets\..*|details\..*|interfaces\..*")


def plain(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def test_every_operation_served_is_one_of_the_specification() -> None:
    served = {f"{operation.method} {plain(operation.path)}" for operation in OPERATIONS}
    unknown = {one for one in served - set(specification()) if not NOT_IN_THE_CLI.fullmatch(one)}
    assert not unknown
    known = len(served & set(specification()))
    print(f"{known} of the {len(specification())} operations of the specification are served")
    assert known >= 175


def written(parts: Mapping[str, Field], prefix: str = "", *, creating: bool | None = None) -> Iterator[str]:
    """The dotted names that a body may hold."""
    for name, field in parts.items():
        if field.access is Access.ANSWER or (creating is not None and not field.writable(creating=creating)):
            continue
        inner = field.parts or (field.item.parts if field.item else None)
        yield from written(inner, f"{prefix}{name}.") if inner else (f"{prefix}{name}",)


CASES = [
    pytest.param(resource, verb, id=f"{verb} {resource.kind}")
    for resource in REGISTRY.values()
    for verb in ("create", "update")
    if verb in resource.verbs and not resource.path.startswith("/object-storage/buckets")
]


@pytest.mark.parametrize(("resource", "verb"), CASES)
def test_a_body_takes_the_names_of_the_specification(resource: Any, verb: str) -> None:
    creating = verb == "create"
    route = f"POST {plain(resource.path)}" if creating else f"PUT {plain(resource.item_path)}"
    ours = set(written(resource.fields, creating=creating))
    asked = [name.replace("\\.", ".") for name in specification()[route]["asks"]]
    theirs = {name for name in asked if not any(other.startswith(f"{name}.") for other in asked)}
    ours, theirs = (names - NOT_COMPARED.get(route, set()) for names in (ours, theirs))
    assert {name for name in ours if not _is_covered(name, theirs)} == set()
    assert {name for name in theirs if not _is_covered(name, ours)} == set()


def _is_covered(name: str, names: set[str]) -> bool:
    """Whether a name is there, itself or within an object of any keys."""
    return any(name == other or name.startswith(f"{other}.") or other.startswith(f"{name}.") for other in names)


@pytest.mark.parametrize(("resource", "verb"), [case for case in CASES if case.values[1] == "create"])
def test_what_the_specification_requires_is_required(resource: Any, verb: str) -> None:
    required = {name for name in specification()[f"POST {plain(resource.path)}"]["required"] if "." not in name}
    writable = {name for name, field in resource.fields.items() if field.writable(creating=True)}
    assert required & writable <= {name for name, field in resource.fields.items() if field.required}


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(one, id=one.path)
        for one in OPERATIONS
        if one.paginated and f"GET {plain(one.path)}" in specification()
    ],
)
def test_a_list_is_filtered_by_what_the_specification_names(operation: Any) -> None:
    theirs = specification()[f"GET {plain(operation.path)}"]["filters"]
    assert set(operation.filterable) == {name for name in theirs if not NOT_FILTERED.fullmatch(name)}


def described(document: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The dotted names of an answer and their types; of a list of objects, those of each of them."""
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from described(value, f"{path}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                yield from described(item, f"{path}.")
        elif isinstance(value, list):
            yield path, f"array of {_kind(value[0])}" if value else "empty"
        else:
            yield path, _kind(value)


def _kind(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "empty", type(None): "empty"}
    return names[type(value)]


@pytest.fixture(scope="module")
def answers() -> dict[str, list[dict[str, Any]]]:
    """The answers to every GET that is served, on an account that has one of everything."""
    client = make_client()
    made = _make_everything(client)
    found: dict[str, list[dict[str, Any]]] = {}
    for operation in sorted(OPERATIONS, key=lambda one: len(one.path)):
        if operation.method != "GET":
            continue
        parent = f"GET {operation.path.rpartition('/')[0]}"
        made["key"] = made["slashed"] = found[parent][0].get("id") if found.get(parent) else ""
        path = operation.path.format_map(_Names(made))
        answer = client.get(f"/v4beta{path}", params={"page_size": 25} if operation.paginated else None)
        assert answer.status_code == 200, (path, answer.text)
        document = answer.json()
        rows = document["data"] if operation.paginated else document if isinstance(document, list) else [document]
        found[f"GET {plain(operation.path)}"] = rows
    return found


class _Names(dict[str, Any]):
    """What stands in a path for each placeholder."""

    def __missing__(self, name: str) -> str:
        return {"tier": "standard", "version": "1.34", "region": "fr-par", "invoice": "1"}[name]


def _make_everything(client: Any) -> dict[str, Any]:
    def make(path: str, **body: Any) -> Any:
        answer = client.post(f"/v4beta{path}", json=body)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    vpc = make("/vpcs", label="net", region="fr-par", subnets=[{"label": "one", "ipv4": "10.0.0.0/24"}])
    cluster = make("/lke/clusters", **ENTERPRISE, tags=["aias"], vpc_id=vpc["id"])
    pool = client.get(f"/v4/lke/clusters/{cluster['id']}/pools").json()["data"][0]
    taints = [{"key": "gpu", "value": "true", "effect": "NoSchedule"}]
    client.put(f"/v4/lke/clusters/{cluster['id']}/pools/{pool['id']}", json={"taints": taints, "tags": ["aias"]})
    client.put(
        f"/v4/lke/clusters/{cluster['id']}/control_plane_acl",
        json={"acl": {"enabled": True, "addresses": {"ipv4": ["198.51.100.7"]}}},
    )
    linode = make("/linode/instances", type="g6-nanode-1", region="fr-par", label="one", tags=["aias"])
    volume = make("/volumes", label="one", region="fr-par", size=20, linode_id=linode["id"])
    rule = {"action": "ACCEPT", "protocol": "TCP", "ports": "443", "addresses": {"ipv4": ["0.0.0.0/0"]}, "label": "web"}
    rules = {"inbound": [rule], "inbound_policy": "DROP", "outbound": [rule], "outbound_policy": "ACCEPT"}
    firewall = make("/networking/firewalls", label="fire", rules=rules, devices={"linodes": [linode["id"]]})
    device = client.get(f"/v4/networking/firewalls/{firewall['id']}/devices").json()["data"][0]
    balancer = make("/nodebalancers", region="fr-par", label="edge", firewall_id=firewall["id"])
    config = make(f"/nodebalancers/{balancer['id']}/configs", port=443, protocol="tcp")
    node = make(f"/nodebalancers/{balancer['id']}/configs/{config['id']}/nodes", label="node", address="192.0.2.1:80")
    script = make("/linode/stackscripts", label="setup", script="#!/bin/sh\n", images=["linode/debian12"])
    make("/object-storage/buckets", label="aias-state", region="fr-par")
    access = [{"bucket_name": "aias-state", "region": "fr-par", "permissions": "read_only"}]
    key = make("/object-storage/keys", label="state", bucket_access=access)
    database = make(
        "/databases/postgresql/instances",
        label="main",
        type="g6-dedicated-2",
        engine="postgresql/16",
        region="fr-par",
        cluster_size=2,
    )
    domain = make("/domains", domain="example.com", type="master", soa_email="ops@example.com")
    record = make(f"/domains/{domain['id']}/records", type="A", name="www", target="192.0.2.1")
    lock = make("/locks", entity_id=cluster["id"], entity_type="lkecluster", lock_type="cannot_delete")
    token = make("/profile/tokens", label="plan", scopes="lke:read_only")
    sshkey = make("/profile/sshkeys", label="me", ssh_key="ssh-ed25519 AAAAC3Nz me@example")
    client.post("/v4/__simulator/clock", json={"seconds": 40 * 86_400})
    quota = client.get("/v4/object-storage/quotas").json()["data"][0]["quota_id"]
    instance = f"/v4/linode/instances/{linode['id']}"
    return {
        "vpc": vpc["id"], "vpc_subnet": vpc["subnets"][0]["id"], "lke_cluster": cluster["id"], "lke_pool": pool["id"],
        "node": pool["nodes"][0]["id"], "linode": linode["id"], "volume": volume["id"], "firewall": firewall["id"],
        "firewall_device": device["id"], "nodebalancer": balancer["id"], "nodebalancer_config": config["id"],
        "nodebalancer_node": node["id"], "stackscript": script["id"], "bucket_region": "fr-par",
        "bucket_label": "aias-state", "storage_key": key["id"], "database": database["id"], "domain": domain["id"],
        "domain_record": record["id"], "lock": lock["id"], "token": token["id"], "sshkey": sshkey["id"], "quota": quota,
        "linode_config": client.get(f"{instance}/configs").json()["data"][0]["id"],
        "linode_disk": client.get(f"{instance}/disks").json()["data"][0]["id"],
        "event": client.get("/v4/account/events").json()["data"][0]["id"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "route", sorted({f"GET {plain(one.path)}" for one in OPERATIONS if one.method == "GET"} & set(specification()))
)
def test_an_answer_has_the_names_and_types_of_the_specification(
    answers: dict[str, list[dict[str, Any]]], route: str
) -> None:
    theirs = {name.replace("\\.", "."): kind for name, kind in specification()[route]["answers"].items()}
    rows = [_without(row, MORE_ANSWERS.get(route, set())) for row in answers[route]]
    assert rows
    ours = {pair for row in rows for pair in described(row)}
    names = {name for name, _ in ours}
    assert {one for one in names if not _is_covered(one, set(theirs))} == set()
    assert {one for one in theirs if not _is_covered(one, names)} <= NOT_ANSWERED.get(route, set())
    wrong = {(name, kind) for name, kind in ours if name in theirs and not _agrees(kind, theirs[name])}
    assert wrong == set()


def _without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _agrees(ours: str, theirs: str) -> bool:
    """Whether a value is of the type it should be; of nothing at all, nothing can be told."""
    return ours in ("empty", theirs) or (ours == "integer" and theirs == "number")

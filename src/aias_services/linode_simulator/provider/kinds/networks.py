"""VPCs, their subnets, and Cloud Firewalls."""

from __future__ import annotations

from typing import Any

from aias_services.linode_simulator.provider.api import Api
from aias_services.linode_simulator.provider.kind import ID, Kind
from aias_services.linode_simulator.provider.schema import (
    BOOL,
    NUMBER,
    NUMBER_SET,
    STRING,
    STRING_SET,
    STRINGS,
    Block,
    State,
    computed,
    either,
    objects,
    optional,
    required,
)

RULE = Block(
    fields={
        "label": required(STRING),
        "action": required(STRING),
        "protocol": required(STRING),
        "description": either(STRING, default=""),
        "ports": optional(STRING),
        "ipv4": optional(STRINGS),
        "ipv6": optional(STRINGS),
    }
)


class Vpc(Kind):
    name = "linode_vpc"
    path = "/vpcs"
    fields = {
        "id": ID,
        "label": required(STRING),
        "region": required(STRING, replaces=True),
        "description": either(STRING, default=""),
        "created": computed(STRING),
        "updated": computed(STRING, moves=True),
    }
    sent = {name: name for name in ("label", "region", "description")}
    fixed = frozenset({"region"})


class Subnet(Kind):
    name = "linode_vpc_subnet"
    path = "/vpcs/{vpc_id}/subnets"
    parents = ("vpc_id",)
    fields = {
        "id": ID,
        "vpc_id": required(NUMBER, replaces=True),
        "label": required(STRING),
        "ipv4": optional(STRING, replaces=True),
        "created": computed(STRING),
        "updated": computed(STRING, moves=True),
    }
    sent = {"label": "label", "ipv4": "ipv4"}
    fixed = frozenset({"ipv4"})


class Firewall(Kind):
    name = "linode_firewall"
    path = "/networking/firewalls"
    fields = {
        "id": ID,
        "label": required(STRING),
        "inbound_policy": required(STRING),
        "outbound_policy": required(STRING),
        "inbound": RULE,
        "outbound": RULE,
        "disabled": either(BOOL, default=False),
        "tags": either(STRING_SET, default=[]),
        "linodes": either(NUMBER_SET),
        "nodebalancers": either(NUMBER_SET),
        "devices": computed(
            objects("list", id="number", entity_id="number", type="string", label="string"), moves=True
        ),
        "status": computed(STRING),
        "created": computed(STRING),
        "updated": computed(STRING, moves=True),
    }

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        body = {"label": planned["label"], "tags": planned["tags"]}
        if not creating:
            return body | {"status": "disabled" if planned["disabled"] else "enabled"}
        devices = {name: planned[name] for name in ("linodes", "nodebalancers") if isinstance(planned[name], list)}
        return body | {"rules": self._rules(planned)} | ({"devices": devices} if devices else {})

    def update(self, api: Api, before: State, planned: State) -> State:
        api.put(self.item(before), self.body(planned, creating=False))
        api.put(f"{self.item(before)}/rules", self._rules(planned))
        for kind in ("linode", "nodebalancer"):
            self._attach(api, before, kind, planned[f"{kind}s"])
        return self.flatten(api, api.get(self.item(before)), planned)

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        rules, item = answer["rules"], f"{self.path}/{answer['id']}"
        devices = api.list(f"{item}/devices")
        return {
            **{name: answer[name] for name in ("label", "tags", "status", "created", "updated")},
            "id": str(answer["id"]),
            "disabled": answer["status"] == "disabled",
            "inbound_policy": rules["inbound_policy"],
            "outbound_policy": rules["outbound_policy"],
            "inbound": [_flatten_rule(rule) for rule in rules["inbound"]],
            "outbound": [_flatten_rule(rule) for rule in rules["outbound"]],
            "linodes": [one["entity"]["id"] for one in devices if one["entity"]["type"] == "linode"],
            "nodebalancers": [one["entity"]["id"] for one in devices if one["entity"]["type"] == "nodebalancer"],
            "devices": [_flatten_device(one) for one in devices],
        }

    def _rules(self, planned: State) -> dict[str, Any]:
        ways = {way: [_expand_rule(rule) for rule in planned[way]] for way in ("inbound", "outbound")}
        return ways | {name: planned[name] for name in ("inbound_policy", "outbound_policy")}

    def _attach(self, api: Api, before: State, kind: str, wanted: Any) -> None:
        if not isinstance(wanted, list):
            return
        there = {one["entity"]["id"]: one["id"] for one in api.list(f"{self.item(before)}/devices")
                 if one["entity"]["type"] == kind}  # fmt: skip
        for entity in set(wanted) - set(there):
            api.post(f"{self.item(before)}/devices", {"type": kind, "id": entity})
        for entity in set(there) - set(wanted):
            api.delete(f"{self.item(before)}/devices/{there[entity]}")


def _expand_rule(rule: State) -> dict[str, Any]:
    addresses = {family: rule[family] for family in ("ipv4", "ipv6") if rule[family]}
    plain = {name: rule[name] for name in ("label", "action", "protocol", "ports", "description") if rule[name]}
    return plain | {"addresses": addresses}


def _flatten_rule(rule: dict[str, Any]) -> State:
    addresses = rule["addresses"] or {}
    return {
        **{name: rule.get(name) or None for name in ("label", "action", "protocol", "ports")},
        "description": rule.get("description") or "",
        "ipv4": addresses.get("ipv4") or None,
        "ipv6": addresses.get("ipv6") or None,
    }


def _flatten_device(device: dict[str, Any]) -> State:
    entity = device["entity"]
    return {"id": device["id"], "entity_id": entity["id"], "type": entity["type"], "label": entity["label"]}


KINDS: tuple[Kind, ...] = (Vpc(), Subnet(), Firewall())

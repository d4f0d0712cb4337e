"""Instances, and the list of those that match a filter."""

from __future__ import annotations

from typing import Any, ClassVar

from aias_services.linode_simulator.provider.api import Api
from aias_services.linode_simulator.provider.kind import ID, Kind, Source
from aias_services.linode_simulator.provider.schema import (
    BOOL,
    NUMBER,
    STRING,
    STRING_SET,
    STRINGS,
    Block,
    Fields,
    State,
    computed,
    either,
    objects,
    optional,
    required,
)
from aias_services.linode_simulator.provider.waiting import wait_until_gone

INSTANCE = {"id": NUMBER, "label": STRING, "region": STRING, "type": STRING, "status": STRING, "ip_address": STRING,
            "ipv4": STRING_SET, "ipv6": STRING, "tags": STRING_SET, "lke_cluster_id": NUMBER}  # fmt: skip


class Instance(Kind):
    name = "linode_instance"
    path = "/linode/instances"
    legacy = True
    late = "Error waiting for instance"
    fields = {
        "id": ID,
        "label": either(STRING),
        "region": required(STRING, replaces=True),
        "type": either(STRING),
        "image": optional(STRING, replaces=True),
        "authorized_keys": optional(STRINGS, replaces=True),
        "disk_encryption": either(STRING, replaces=True),
        "firewall_id": optional(NUMBER, replaces=True),
        "tags": either(STRING_SET, default=[]),
        "metadata": Block(fields={"user_data": optional(STRING)}, most=1),
        "booted": either(BOOL),
        "status": computed(STRING, moves=True),
        "ip_address": computed(STRING),
        "ipv4": either(STRING_SET),
        "ipv6": computed(STRING),
        "has_user_data": computed(BOOL),
        "lke_cluster_id": computed(NUMBER),
    }
    sent = {
        name: name
        for name in ("label", "region", "type", "image", "authorized_keys", "disk_encryption", "firewall_id", "tags")
    }
    fixed = frozenset({"region", "type", "image", "authorized_keys", "disk_encryption", "firewall_id"})

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        body = super().body(planned, creating=creating)
        if creating and planned["metadata"]:
            body["metadata"] = {"user_data": planned["metadata"][0]["user_data"]}
        return body

    def created(self, api: Api, state: State, answer: dict[str, Any]) -> State:
        for _ in api.looks(api.pace.event, f"instance {state['id']} to run"):
            answer = api.get(self.item(state))
            if answer["status"] == "running":
                break
        return self.flatten(api, answer, state)

    def update(self, api: Api, before: State, planned: State) -> State:
        if before["type"] != planned["type"]:
            api.post(f"{self.item(before)}/resize", {"type": planned["type"]})
        return super().update(api, before, planned)

    def needs_replacement(self, before: State, planned: State) -> list[str]:
        return ["metadata"] if before["metadata"] != planned["metadata"] else []

    def delete(self, api: Api, state: State) -> None:
        super().delete(api, state)
        wait_until_gone(api, self.item(state))

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        told = {name: answer[name] for name in ("label", "region", "type", "image", "tags", "status", "ipv4", "ipv6")}
        kept = {name: state.get(name) for name in ("authorized_keys", "firewall_id", "metadata")}
        return {
            **kept,
            **told,
            **{name: answer[name] for name in ("disk_encryption", "has_user_data", "lke_cluster_id")},
            "id": str(answer["id"]),
            "ip_address": answer["ipv4"][0],
            "booted": answer["status"] == "running",
        }


class Instances:
    name: ClassVar[str] = "linode_instances"
    fields: ClassVar[Fields] = {
        "id": ID,
        "order": optional(STRING),
        "order_by": optional(STRING),
        "filter": Block(
            fields={"name": required(STRING), "values": required(STRINGS), "match_by": optional(STRING)}, is_set=True
        ),
        "instances": computed(objects("list", **INSTANCE)),
    }

    def read(self, api: Api, config: State) -> State:
        rows = [row for row in api.list("/linode/instances") if all(_matches(row, one) for one in config["filter"])]
        return {**config, "id": "instances", "instances": [_flatten(row) for row in rows]}


def _matches(row: dict[str, Any], wanted: State) -> bool:
    value = row.get(wanted["name"])
    return any(str(one) in wanted["values"] for one in (value if isinstance(value, list) else [value]))


def _flatten(row: dict[str, Any]) -> State:
    return {name: row.get(name) for name in INSTANCE} | {"ip_address": row["ipv4"][0]}


KINDS: tuple[Kind, ...] = (Instance(),)
SOURCES: tuple[Source, ...] = (Instances(),)

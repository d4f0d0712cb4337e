"""Managed PostgreSQL."""

from __future__ import annotations

from typing import Any

from tf.types import Unknown

from aias_services.linode_simulator.provider.api import Api
from aias_services.linode_simulator.provider.kind import ID, Kind
from aias_services.linode_simulator.provider.schema import (
    BOOL,
    NUMBER,
    STRING,
    STRING_MAP,
    STRING_SET,
    State,
    computed,
    either,
    optional,
    required,
)
from aias_services.linode_simulator.provider.waiting import wait_for_event

UPDATES = {"day_of_week": NUMBER, "duration": NUMBER, "frequency": STRING, "hour_of_day": NUMBER}
PRIVATE = {"vpc_id": NUMBER, "subnet_id": NUMBER, "public_access": BOOL}
WORK_MEM = "engine_config_work_mem"
IDLE = "engine_config_pg_idle_in_transaction_session_timeout"


class PostgreSql(Kind):
    name = "linode_database_postgresql_v2"
    path = "/databases/postgresql/instances"
    late = "Failed to wait for PostgreSQL database"
    fields = {
        "id": ID,
        "engine_id": required(STRING),
        "label": required(STRING),
        "region": required(STRING, replaces=True),
        "type": required(STRING),
        "cluster_size": either(NUMBER, default=1),
        "allow_list": either(STRING_SET),
        "private_network": optional(["object", PRIVATE]),
        "updates": either(["object", UPDATES]),
        WORK_MEM: either(NUMBER),
        IDLE: either(NUMBER),
        "suspended": either(BOOL, default=False),
        "ca_cert": computed(STRING, sensitive=True),
        "root_password": computed(STRING, sensitive=True),
        "root_username": computed(STRING, sensitive=True),
        "host_primary": computed(STRING),
        "host_standby": computed(STRING, moves=True),
        "port": computed(NUMBER),
        "members": computed(STRING_MAP, moves=True),
        "engine": computed(STRING),
        "version": computed(STRING),
        "encrypted": computed(BOOL),
        "platform": computed(STRING),
        "ssl_connection": computed(BOOL),
        "status": computed(STRING, moves=True),
        "created": computed(STRING),
        "updated": computed(STRING, moves=True),
    }
    sent = {
        **{name: name for name in ("label", "region", "type", "cluster_size", "allow_list", "private_network")},
        "engine_id": "engine",
    }
    fixed = frozenset({"region", "engine_id"})

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        body, config = super().body(planned, creating=creating), _expand_config(planned)
        if config:
            body["engine_config"] = config
        if not creating and isinstance(planned["updates"], dict):
            body["updates"] = planned["updates"]
        return body

    def created(self, api: Api, state: State, answer: dict[str, Any]) -> State:
        wait_for_event(api, "database_create", "database", state["id"])
        if isinstance(state["updates"], dict):
            api.put(self.item(state), {"updates": state["updates"]})
        return self.flatten(api, api.get(self.item(state)), state)

    def update(self, api: Api, before: State, planned: State) -> State:
        api.put(self.item(before), self.body(planned, creating=False))
        for _ in api.looks(api.pace.event, f"database {before['id']}"):
            answer = api.get(self.item(before))
            if answer["status"] == "active":
                break
        return self.flatten(api, answer, planned)

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        item, config = f"{self.path}/{answer['id']}", answer.get("engine_config") or {}
        hosts, private = answer.get("hosts") or {}, answer.get("private_network")
        names = (
            *("label", "region", "type", "cluster_size", "allow_list", "port", "members", "encrypted"),
            *("engine", "version", "platform", "ssl_connection", "status", "created", "updated"),
        )
        return {
            **{name: answer.get(name) for name in names},
            "id": str(answer["id"]),
            "engine_id": f"{answer['engine']}/{answer['version']}",
            "private_network": private and {name: private[name] for name in PRIVATE},
            "updates": {name: answer["updates"][name] for name in UPDATES},
            WORK_MEM: config.get("work_mem"),
            IDLE: (config.get("pg") or {}).get("idle_in_transaction_session_timeout"),
            "suspended": answer["status"] == "suspended",
            "host_primary": hosts.get("primary"),
            "host_standby": hosts.get("standby"),
            **_read_secrets(api, item),
        }


def _expand_config(planned: State) -> dict[str, Any]:
    given = {name: planned[name] for name in (WORK_MEM, IDLE) if planned[name] not in (None, Unknown)}
    config: dict[str, Any] = {"work_mem": given[WORK_MEM]} if WORK_MEM in given else {}
    return config | ({"pg": {"idle_in_transaction_session_timeout": given[IDLE]}} if IDLE in given else {})


def _read_secrets(api: Api, item: str) -> State:
    credentials = api.get(f"{item}/credentials")
    return {
        "root_username": credentials["username"],
        "root_password": credentials["password"],
        "ca_cert": api.get(f"{item}/ssl")["ca_certificate"],
    }


KINDS: tuple[Kind, ...] = (PostgreSql(),)

"""The account: its profile, tokens, events, locks, settings and transfer."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator import access, events
from aias_services.linode_simulator.catalog import regions, types
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    answer,
    boolean,
    fixed,
    integer,
    number,
    secret,
    shape,
    text,
)
from aias_services.linode_simulator.refusals import Fault, Refusal
from aias_services.linode_simulator.resource import EVERYTHING, READABLE, Draft, Resource
from aias_services.linode_simulator.resources import billing
from aias_services.linode_simulator.routing import Call, actions, pick
from aias_services.linode_simulator.world import Record

SHOWN_OF_TOKEN = 16
LOCKABLE = {"linode": "linode", "lkecluster": "lke_cluster", "nodebalancer": "nodebalancer", "volume": "volume"}
PROFILE: Values = {
    "username": events.USERNAME,
    "email": "operator@example.com",
    "uid": 1001,
    "restricted": False,
    "timezone": "UTC",
    "authentication_type": "password",
    "authorized_keys": [],
    "email_notifications": True,
    "ip_whitelist_enabled": False,
    "lish_auth_method": "keys_only",
    "referrals": {"code": "simulated", "completed": 0, "credit": 0, "pending": 0, "total": 0, "url": ""},
    "tfa_enforced": False,
    "two_factor_auth": True,
    "verified_phone_number": None,
}
SETTINGS: Values = {
    "backups_enabled": False,
    "interfaces_for_new_linodes": "legacy_config_default_but_linode_allowed",
    "longview_subscription": None,
    "maintenance_policy": "linode/migrate",
    "managed": False,
    "network_helper": True,
    "tfa_enforced": False,
}


def _view_account(call: Call) -> Values:
    identity = call.world.token("account", length=32)
    capabilities = sorted({one for region in regions.REGIONS.values() for one in region["capabilities"]})
    return {
        "euuid": "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:]))[:36],
        "email": PROFILE["email"],
        "first_name": "Simulated",
        "last_name": "Account",
        "company": "Example",
        "address_1": "1 Example Street",
        "address_2": "",
        "city": "Paris",
        "state": "",
        "zip": "75001",
        "country": "FR",
        "phone": "",
        "tax_id": "",
        "balance": 0.0,
        "balance_uninvoiced": billing.uninvoiced(call.world),
        "billing_source": "linode",
        "active_since": "2026-01-01T00:00:00",
        "active_promotions": [],
        "capabilities": capabilities,
        "credit_card": {"expiry": "12/2030", "last_four": "0000"},
    }


def _view_settings(call: Call) -> Values:
    is_active = call.world.find("object_storage", 1) is not None
    return {**SETTINGS, "object_storage": "active" if is_active else "disabled"}


def _view_transfer(call: Call) -> Values:
    quota = sum(types.TYPES[one.values["type"]]["transfer"] for one in call.world.iter("linode"))
    return {"billable": 0, "quota": quota, "used": 0, "region_transfers": []}


def _list_availability(_: Call) -> list[Values]:
    rows = [(one["id"], set(one["capabilities"])) for one in regions.REGIONS.values()]
    every = set().union(*(capabilities for _, capabilities in rows))
    return [{"region": region, "available": sorted(has), "unavailable": sorted(every - has)} for region, has in rows]


def _view_availability(call: Call) -> Values:
    return pick(_list_availability(call), "region", call.params["region"])


def _seen(call: Call) -> Values:
    limit = call.record("event").id
    for event in call.world.iter("event", lambda one: int(one.id) <= int(limit)):
        event.values |= {"seen": True, "read": True}
    return {}


def _check_token(draft: Draft) -> Iterator[Fault]:
    if not draft.is_new:
        return
    try:
        access.parse(draft.values["scopes"])
        access.instant_of(draft.values["expiry"] or "2100-01-01T00:00:00")
    except Refusal as refusal:
        yield from refusal.faults
    except ValueError:
        yield Fault("Must be a date and time", "expiry")


def _make_token(draft: Draft, token: Record) -> None:
    token.values["token"] = draft.world.token("token", token.id, length=64)
    token.values["_once"] = {"token": token.values["token"]}


def _check_lock(draft: Draft) -> Iterator[Fault]:
    kind = LOCKABLE.get(draft.values["entity_type"], "")
    found = draft.world.find_lasting(kind, draft.values["entity_id"])
    if found is None:
        yield Fault("entity_id is not valid", "entity_id")
        return
    draft.values |= {"_kind": kind, "entity": events.entity(draft.values["entity_type"], found)}


ENTITY = {"id": integer(), "label": text(), "type": text(), "url": text()}
EVENT: dict[str, Field] = {
    "id": integer(),
    "action": text(),
    "created": text(),
    "duration": number(),
    "entity": shape(ENTITY, nullable=True),
    "secondary_entity": shape(ENTITY, nullable=True),
    "details": shape({}, nullable=True),
    "message": text(default=""),
    "percent_complete": integer(),
    "rate": text(nullable=True),
    "read": boolean(default=False),
    "seen": boolean(default=False),
    "status": text(),
    "time_remaining": text(nullable=True),
    "username": text(),
}
RESOURCES = (
    Resource(
        kind="event",
        path="/account/events",
        scope="events",
        filterable=(
            "id",
            "action",
            "created",
            "entity.id",
            "entity.type",
        ),
        verbs=READABLE,
        fields=EVENT,
        shown=events.shown,
        newest_first=True,
    ),
    Resource(
        kind="token",
        path="/profile/tokens",
        scope="account",
        filterable=(
            "label",
            "created",
        ),
        verbs=EVERYTHING,
        action="token",
        fields={
            "id": answer(integer()),
            "label": text(low=1, high=100, default=""),
            "scopes": fixed(text(default="*")),
            "expiry": fixed(text(nullable=True)),
            "token": answer(text()),
            "created": answer(text()),
        },
        checks=(_check_token,),
        made=_make_token,
        shown=lambda _, token: {"token": token.values["token"][:SHOWN_OF_TOKEN]},
    ),
    Resource(
        kind="sshkey",
        path="/profile/sshkeys",
        scope="account",
        filterable=("label",),
        fields={
            "id": answer(integer()),
            "label": text(required=True, low=1, high=64),
            "ssh_key": fixed(text(required=True, pattern=r"(ssh|ecdsa|sk)-\S+ \S+.*\s*", reason="Invalid SSH key")),
            "created": answer(text()),
        },
    ),
    Resource(
        kind="lock",
        path="/locks",
        beta=True,
        scope="account",
        filterable=("id", "entity.id", "entity.type", "lock_type"),
        verbs=EVERYTHING - {"update"},
        fields={
            "id": answer(integer()),
            "entity_id": secret(integer(required=True)),
            "entity_type": secret(text(required=True, choices=tuple(LOCKABLE))),
            "lock_type": fixed(
                text(required=True, choices=("cannot_delete", "cannot_delete_with_subresources")),
            ),
            "entity": answer(shape(ENTITY)),
        },
        checks=(_check_lock,),
    ),
)
OPERATIONS = (
    *actions(
        "account",
        {
            "GET /account": _view_account,
            "GET /account/settings": _view_settings,
            "GET /account/transfer": _view_transfer,
            "GET /account/availability/{region}": _view_availability,
        },
        {
            "GET /account/availability": _list_availability,
        },
    ),
    *actions("events", {"POST /account/events/{event}/seen": _seen}),
    *actions("*", {"GET /profile": lambda _: PROFILE}),
)

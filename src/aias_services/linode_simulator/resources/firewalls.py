"""Cloud Firewalls: rules, and what stands behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from aias_services.linode_simulator import engine, events
from aias_services.linode_simulator.addresses import NETWORKS, check_addresses
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    answer,
    complete,
    fixed,
    integer,
    later,
    many,
    secret,
    shape,
    text,
)
from aias_services.linode_simulator.refusals import Fault, check_all
from aias_services.linode_simulator.resource import EVERYTHING, Draft, Resource
from aias_services.linode_simulator.routing import Call, actions
from aias_services.linode_simulator.world import Record, World

MOST_RULES, MOST_ADDRESSES, MOST_PORTS = 25, 255, 15
DEVICE_LISTS = ("linodes", "nodebalancers", "linode_interfaces")
DEVICE_KINDS = {"linode": "linode", "nodebalancer": "nodebalancer"}

ADDRESSES = shape(
    {"ipv4": many(text(), default=None, nullable=True), "ipv6": many(text(), default=None, nullable=True)}
)
RULE = shape(
    {
        "action": text(required=True, choices=("ACCEPT", "DROP")),
        "protocol": text(required=True, choices=("TCP", "UDP", "ICMP", "IPENCAP", "ALL")),
        "ports": text(nullable=True),
        "addresses": ADDRESSES,
        "label": text(nullable=True, low=3, high=32),
        "description": text(nullable=True, high=100),
        "ruleset": integer(nullable=True),
    }
)
RULES: dict[str, Field] = {
    "inbound": many(RULE),
    "inbound_policy": text(required=True, choices=("ACCEPT", "DROP")),
    "outbound": many(RULE),
    "outbound_policy": text(required=True, choices=("ACCEPT", "DROP")),
    "version": answer(integer(default=1)),
    "fingerprint": answer(text(default="")),
}


def _check_firewall(draft: Draft) -> Iterator[Fault]:
    if not draft.is_new:
        return
    yield from _check_rules(draft.values["rules"], "rules.")
    for kind, identifiers in (draft.values["devices"] or {}).items():
        for identifier in identifiers:
            yield from _check_device_entity(draft.world, kind.removesuffix("s"), identifier, f"devices.{kind}")


def _check_rules(rules: Values, prefix: str = "") -> Iterator[Fault]:
    both = [
        (f"{prefix}{way}[{at}]", rule)
        for way in ("inbound", "outbound")
        for at, rule in enumerate(rules.get(way) or ())
    ]
    if len(both) > MOST_RULES:
        yield Fault(f"A Firewall may have at most {MOST_RULES} rules", f"{prefix}inbound")
    for path, rule in both:
        yield from _check_rule(rule, path)


def _check_rule(rule: Values, path: str) -> Iterator[Fault]:
    ports, addresses = rule.get("ports"), rule.get("addresses") or {}
    if rule["protocol"] in ("ICMP", "IPENCAP") and ports:
        yield Fault(f"Ports are not allowed for {rule['protocol']}", f"{path}.ports")
    elif ports and not _are_ports(ports):
        yield Fault(f"Must be at most {MOST_PORTS} ports of 1-65535; a range counts as two", f"{path}.ports")
    if sum(len(addresses.get(family) or ()) for family in NETWORKS) > MOST_ADDRESSES:
        yield Fault(f"A rule may have at most {MOST_ADDRESSES} addresses", f"{path}.addresses")
    yield from check_addresses(addresses, f"{path}.addresses", masked=True)


def _are_ports(text: str) -> bool:
    ranges = [[end.strip() for end in piece.split("-")] for piece in text.split(",")]
    ends = [end for one in ranges for end in one]
    if len(ends) > MOST_PORTS or not all(end.isdecimal() and 1 <= int(end) <= 65_535 for end in ends):
        return False
    return all(len(one) == 1 or (len(one) == 2 and int(one[0]) < int(one[1])) for one in ranges)


def _check_device(draft: Draft) -> Iterator[Fault]:
    yield from _check_device_entity(draft.world, draft.values["type"], draft.values["id"], "id")


def _check_device_entity(world: World, kind: str, identifier: int, field: str) -> Iterator[Fault]:
    if kind not in DEVICE_KINDS or world.find_lasting(DEVICE_KINDS[kind], identifier) is None:
        yield Fault(f"{kind} {identifier} is not valid", field)
    elif any(world.iter("firewall_device", lambda one: _is_of(one, kind, identifier))):
        yield Fault(f"{kind} {identifier} is already assigned to a Firewall", field)


def _is_of(device: Record, kind: str, identifier: object) -> bool:
    return (device.values["type"], device.values["id"]) == (kind, identifier)


def _make_devices(draft: Draft, firewall: Record) -> None:
    for kind, identifiers in (firewall.values.pop("devices") or {}).items():
        for identifier in identifiers:
            attach(draft.world, firewall, kind.removesuffix("s"), identifier)


def attach(world: World, firewall: Record, kind: str, identifier: object) -> None:
    """Puts an instance or NodeBalancer behind a firewall."""
    engine.create(world, "firewall_device", {"type": kind, "id": identifier}, parent=firewall)


def detach_all(world: World, kind: str, identifier: object) -> None:
    """Takes what is being deleted out of its firewalls."""
    for device in world.iter("firewall_device", lambda one: _is_of(one, kind, identifier)):
        engine.remove(world, device)


def _entity(world: World, device: Record) -> Values | None:
    found = world.find(DEVICE_KINDS[device.values["type"]], device.values["id"])
    return events.entity(device.values["type"], found) | {"parent_entity": None} if found else None


def _show_firewall(world: World, firewall: Record) -> Values:
    devices = world.children("firewall_device", firewall)
    rules = _show_rules(firewall)
    return {"entities": [entity for one in devices if (entity := _entity(world, one))], "rules": rules}


def _show_rules(firewall: Record) -> Values:
    rules = firewall.values["rules"]
    digest = hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:8]
    numbers = {"version": firewall.values.get("_version", 1), "fingerprint": digest}
    return complete(RULES, {**rules, **numbers})


def _view_rules(call: Call) -> Values:
    return _show_rules(call.record("firewall"))


def _update_rules(call: Call) -> Values:
    firewall, rules = call.record("firewall"), call.read(RULES)
    check_all(_check_rules(rules))
    firewall.values |= {"rules": rules, "_version": firewall.values.get("_version", 1) + 1}
    firewall.changed_at = call.world.now()
    events.emit(call.world, "firewall_rules_update", events.entity("firewall", firewall))
    return _show_rules(firewall)


def firewalls_of(world: World, kind: str, identifier: object) -> list[Values]:
    """The firewalls that one is behind."""
    devices = world.iter("firewall_device", lambda one: _is_of(one, kind, identifier))
    found = (world.find("firewall", device.parent) for device in devices)
    return [engine.show(world, world.registry["firewall"], one) for one in found if one]


DEVICE_ENTITY = shape(
    {"id": integer(), "label": text(), "type": text(), "url": text(), "parent_entity": shape({}, nullable=True)}
)
RESOURCES = (
    Resource(
        kind="firewall",
        path="/networking/firewalls",
        scope="firewall",
        filterable=(
            "id",
            "label",
            "tags",
            "created",
            "updated",
        ),
        entity="firewall",
        action="firewall",
        quota="firewall",
        unique="Label must be unique among your Cloud Firewalls",
        fields={
            "id": answer(integer()),
            "label": text(required=True, low=3, high=32, pattern=r"[A-Za-z][A-Za-z0-9_.-]*", reason="Invalid label"),
            "rules": fixed(shape(RULES, required=True)),
            "devices": secret(shape({kind: many(integer()) for kind in DEVICE_LISTS})),
            "status": later(text(choices=("enabled", "disabled"), default="enabled")),
            "tags": many(text(low=3, high=50)),
            "entities": answer(many(DEVICE_ENTITY)),
            "created": answer(text()),
            "updated": answer(text()),
        },
        checks=(_check_firewall,),
        made=_make_devices,
        holds=("firewall_device",),
        shown=_show_firewall,
    ),
    Resource(
        kind="firewall_device",
        path="/networking/firewalls/{firewall}/devices",
        scope="firewall",
        filterable=(
            "id",
            "created",
            "updated",
        ),
        parent="firewall",
        verbs=EVERYTHING - {"update"},
        fields={
            "id": fixed(integer(required=True)),
            "type": secret(text(required=True, choices=("linode", "nodebalancer", "linode_interface"))),
            "entity": answer(DEVICE_ENTITY),
            "created": answer(text()),
            "updated": answer(text()),
        },
        checks=(_check_device,),
        shown=lambda world, device: {"entity": _entity(world, device)},
    ),
)
NO_DEFAULTS = {"default_firewall_ids": dict.fromkeys(("linode", "nodebalancer", "public_interface", "vpc_interface"))}
OPERATIONS = tuple(
    actions(
        "firewall",
        {
            "GET /networking/firewalls/{firewall}/rules": _view_rules,
            "PUT /networking/firewalls/{firewall}/rules": _update_rules,
            "GET /networking/firewalls/settings": lambda _: NO_DEFAULTS,
        },
    )
)

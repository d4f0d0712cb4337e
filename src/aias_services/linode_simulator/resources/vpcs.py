"""VPCs and their subnets: private ranges that must not overlap."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.fields import Field, Values, answer, fixed, integer, many, shape, text
from aias_services.linode_simulator.refusals import Fault, refuse
from aias_services.linode_simulator.resource import Draft, Resource, dig
from aias_services.linode_simulator.world import Record, World

PRIVATE = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
RESERVED = (ipaddress.IPv4Network("192.168.128.0/17"),)
LABEL = text(required=True, low=1, high=64, pattern=r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", reason="Invalid label")

IPV6 = shape({"range": text(), "allocation_range": text(nullable=True)})
SUBNET: dict[str, Field] = {
    "id": answer(integer()),
    "label": LABEL,
    "ipv4": fixed(text(nullable=True)),
    "ipv6": fixed(many(IPV6)),
    "linodes": answer(many(shape({"id": integer(), "interfaces": many(shape({}))}))),
    "nodebalancers": answer(many(shape({"id": integer(), "ipv4_range": text()}))),
    "databases": answer(many(shape({"id": integer(), "ipv4_range": text()}))),
    "vpc_type": answer(text(default="regular")),
    "created": answer(text()),
    "updated": answer(text()),
}


def _check_vpc(draft: Draft) -> Iterator[Fault]:
    if not draft.is_new:
        return
    taken: list[str] = []
    for index, subnet in enumerate(draft.values["subnets"]):
        yield from _check_range(subnet.get("ipv4"), taken, f"subnets[{index}].ipv4")
        taken += [subnet["ipv4"]] if subnet.get("ipv4") else []


def _check_subnet(draft: Draft) -> Iterator[Fault]:
    if draft.is_new and draft.parent:
        siblings = draft.world.children("vpc_subnet", draft.parent)
        yield from _check_range(draft.values["ipv4"], [one.values["ipv4"] for one in siblings], "ipv4")


def _check_range(text: str | None, taken: list[str], field: str) -> Iterator[Fault]:
    """The faults of a subnet: no network, not private, reserved, too small, or in the way of another."""
    try:
        wanted = ipaddress.IPv4Network(text or "")
    except ValueError:
        yield Fault("Must be an IPv4 network in CIDR notation", field)
        return
    if not any(wanted.subnet_of(block) for block in PRIVATE) or any(wanted.overlaps(block) for block in RESERVED):
        yield Fault("IPv4 range is not allowed", field)
    elif wanted.prefixlen > 29:
        yield Fault("Prefix length must be 1-29", field)
    elif any(wanted.overlaps(ipaddress.IPv4Network(other)) for other in taken if other):
        yield Fault("IPv4 range must not overlap with other subnets of the VPC", field)


def _make_subnets(draft: Draft, vpc: Record) -> None:
    for body in vpc.values.pop("subnets"):
        engine.create(draft.world, "vpc_subnet", body, parent=vpc)


def _users(world: World, subnet: Record) -> list[Record]:
    clusters = world.iter("lke_cluster", lambda one: one.values.get("subnet_id") == subnet.id)
    databases = world.iter("database", lambda one: dig(one.values, "private_network.subnet_id") == subnet.id)
    return [*clusters, *databases, *world.iter("linode", lambda one: subnet.id in one.values.get("_subnets", []))]


def _leave_vpc(world: World, vpc: Record) -> None:
    for subnet in world.children("vpc_subnet", vpc):
        _leave_subnet(world, subnet)
    if any(world.iter("lke_cluster", lambda one: one.values.get("vpc_id") == vpc.id)):
        raise refuse("Cannot delete VPC: it is in use by an LKE cluster")


def _leave_subnet(world: World, subnet: Record) -> None:
    if _users(world, subnet):
        raise refuse("Cannot delete VPC subnet: it still has devices attached")


def _show_vpc(world: World, vpc: Record) -> Values:
    kind = world.registry["vpc_subnet"]
    return {"subnets": [engine.show(world, kind, subnet) for subnet in world.children("vpc_subnet", vpc)]}


def _show_subnet(world: World, subnet: Record) -> Values:
    users = _users(world, subnet)
    return {
        "linodes": [{"id": one.id, "interfaces": []} for one in users if one.kind == "linode"],
        "databases": [{"id": one.id, "ipv4_range": subnet.values["ipv4"]} for one in users if one.kind == "database"],
    }


RESOURCES = (
    Resource(
        kind="vpc",
        path="/vpcs",
        scope="vpc",
        filterable=(
            "id",
            "label",
            "region",
            "created",
            "updated",
            "vpc_type",
        ),
        entity="vpc",
        action="vpc",
        quota="vpc",
        unique="Label must be unique among your VPCs",
        capability="VPCs",
        fields={
            "id": answer(integer()),
            "label": LABEL,
            "description": text(default="", high=255),
            "region": fixed(text(required=True)),
            "subnets": fixed(many(shape(SUBNET))),
            "ipv4": many(shape({"range": text()})),
            "ipv6": fixed(many(IPV6)),
            "vpc_type": fixed(text(default="regular", choices=("regular", "rdma"))),
            "created": answer(text()),
            "updated": answer(text()),
        },
        checks=(_check_vpc,),
        made=_make_subnets,
        leaves=_leave_vpc,
        holds=("vpc_subnet",),
        shown=_show_vpc,
    ),
    Resource(
        kind="vpc_subnet",
        path="/vpcs/{vpc}/subnets",
        scope="vpc",
        filterable=(
            "id",
            "label",
            "created",
            "updated",
            "vpc_type",
        ),
        parent="vpc",
        unique="Label must be unique among the subnets of the VPC",
        unique_within="parent",
        fields=SUBNET,
        checks=(_check_subnet,),
        leaves=_leave_subnet,
        shown=_show_subnet,
    ),
)

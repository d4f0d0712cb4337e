"""Instances, their disks and configs."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.catalog import types, versions
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    answer,
    boolean,
    fixed,
    integer,
    later,
    many,
    mapping,
    secret,
    shape,
    text,
)
from aias_services.linode_simulator.ledger import Price
from aias_services.linode_simulator.lifecycle import Phases
from aias_services.linode_simulator.refusals import Fault
from aias_services.linode_simulator.resource import READABLE, Draft, Resource
from aias_services.linode_simulator.resources.firewalls import attach, detach_all
from aias_services.linode_simulator.resources.kubernetes import check_plan
from aias_services.linode_simulator.world import Record, World

ALERTS = {"cpu": 180, "io": 10_000, "network_in": 10, "network_out": 10, "transfer_quota": 80}
INSTANCE_PATH = "/linode/instances/{linode}"
BOOT: Phases = (("booting", 20.0), ("running", 0.0))
SPECS = ("disk", "memory", "vcpus", "gpus", "transfer", "accelerated_devices")
BACKUPS = shape(
    {
        "available": boolean(default=False),
        "enabled": boolean(default=False),
        "last_successful": text(nullable=True),
        "schedule": shape({"day": text(nullable=True), "window": text(nullable=True)}),
    }
)
INSTANCE: dict[str, Field] = {
    "id": answer(integer()),
    "label": text(low=3, high=64, pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*", reason="Invalid label"),
    "type": fixed(text(required=True)),
    "region": fixed(text(required=True)),
    "image": fixed(text(nullable=True)),
    "group": text(default=""),
    "tags": many(text(low=3, high=50)),
    "ipv4": fixed(many(text())),
    "disk_encryption": fixed(text(choices=("enabled", "disabled"), default="enabled")),
    "interface_generation": fixed(text(choices=("legacy_config", "linode"), default="legacy_config")),
    "maintenance_policy": text(default="linode/migrate"),
    "placement_group": fixed(shape({"id": integer(required=True)}, nullable=True)),
    "watchdog_enabled": later(boolean(default=True)),
    "alerts": later(shape({name: integer(default=value) for name, value in ALERTS.items()})),
    "root_pass": secret(text(low=11, high=128)),
    "authorized_keys": secret(many(text())),
    "authorized_users": secret(many(text())),
    "booted": secret(boolean(default=True)),
    "backups_enabled": secret(boolean(default=False)),
    "backup_id": secret(integer()),
    "boot_size": secret(integer()),
    "firewall_id": secret(integer(nullable=True)),
    "interfaces": secret(many(mapping())),
    "kernel": secret(text()),
    "metadata": secret(shape({"user_data": text(nullable=True)})),
    "network_helper": secret(boolean(nullable=True)),
    "private_ip": secret(boolean(default=False)),
    "stackscript_id": secret(integer()),
    "stackscript_data": secret(mapping()),
    "swap_size": secret(integer(default=512)),
    "status": answer(text()),
    "created": answer(text()),
    "updated": answer(text()),
    "ipv6": answer(text(nullable=True)),
    "backups": answer(BACKUPS),
    "capabilities": answer(many(text())),
    "has_user_data": answer(boolean()),
    "host_uuid": answer(text()),
    "hypervisor": answer(text(default="kvm")),
    "lke_cluster_id": answer(integer(nullable=True)),
    "site_type": answer(text(default="core")),
    "specs": answer(shape({name: integer() for name in SPECS})),
    "locks": answer(many(text())),
}


def _check_instance(draft: Draft) -> Iterator[Fault]:
    values, world = draft.values, draft.world
    if not draft.is_new:
        return
    yield from check_plan(world, values["type"], values["region"])
    if values["image"] and values["image"] not in versions.IMAGES:
        yield Fault("image is not valid", "image")
    elif values["image"] and not (values["root_pass"] or values["authorized_keys"] or values["authorized_users"]):
        yield Fault("root_pass is required", "root_pass")
    for field, kind in (("firewall_id", "firewall"), ("stackscript_id", "stackscript")):
        if values[field] and world.find_lasting(kind, values[field]) is None:
            yield Fault(f"{field} is not valid", field)


def _make_instance(draft: Draft, instance: Record) -> None:
    world, values, number = draft.world, instance.values, int(instance.id) if isinstance(instance.id, int) else 0
    values["label"] = values["label"] or f"linode{instance.id}"
    values["ipv4"] = [f"198.18.{number // 250 % 250}.{number % 250 + 1}"]
    values["ipv6"] = f"2001:db8::{number:x}/128"
    values["host_uuid"] = world.token("host", instance.id, length=40)
    values["has_user_data"] = bool((values.pop("metadata") or {}).get("user_data"))
    for name in ("root_pass", "stackscript_data"):
        values.pop(name)
    interfaces = values.pop("interfaces")
    values["_subnets"] = [one["subnet_id"] for one in interfaces if one.get("subnet_id")]
    if not values.pop("booted"):
        world.begin(instance, (("provisioning", 20.0), ("offline", 0.0)))
    if firewall := world.find("firewall", values.pop("firewall_id")):
        attach(world, firewall, "linode", instance.id)
    engine.create(world, "linode_config", {}, parent=instance)
    engine.create(world, "linode_disk", {}, parent=instance)


def _leave_instance(world: World, instance: Record) -> None:
    for volume in world.iter("volume", lambda one: one.values["linode_id"] == instance.id):
        volume.values["linode_id"] = None
    detach_all(world, "linode", instance.id)


def _show_instance(_: World, instance: Record) -> Values:
    plan = types.TYPES[instance.values["type"]]
    return {
        "specs": {name: plan[name] for name in SPECS},
        "capabilities": ["SMTP Enabled"],
        "backups": {"enabled": instance.values["backups_enabled"]},
    }


def _price(instance: Record) -> Price:
    place = instance.values["type"], instance.values["region"]
    price = types.price_of(*place)
    return price.plus(types.backups_price_of(*place)) if instance.values["backups_enabled"] else price


DISK: dict[str, Field] = {
    "id": answer(integer()),
    "label": text(default="Boot disk"),
    "status": answer(text(default="ready")),
    "size": answer(integer(default=25_600)),
    "filesystem": answer(text(default="ext4")),
    "disk_encryption": answer(text(default="enabled")),
    "created": answer(text()),
    "updated": answer(text()),
}
CONFIG: dict[str, Field] = {
    "id": answer(integer()),
    "label": text(default="My configuration"),
    "kernel": text(default="linode/grub2"),
    "comments": text(default=""),
    "memory_limit": integer(default=0),
    "run_level": text(default="default"),
    "virt_mode": text(default="paravirt"),
    "root_device": text(default="/dev/sda"),
    "interfaces": many(mapping()),
    "devices": mapping(default={}),
    "helpers": mapping(default={}),
}
RESOURCES = (
    Resource(
        kind="linode",
        path="/linode/instances",
        scope="linodes",
        filterable=(
            "id",
            "label",
            "region",
            "tags",
            "group",
            "image",
            "ipv4",
            "interface_generation",
        ),
        first_id=80_000_001,
        entity="linode",
        action="linode",
        quota="linode",
        unique="Label must be unique among your linodes",
        capability="Linodes",
        phases=(("provisioning", 20.0), *BOOT),
        fields=INSTANCE,
        checks=(_check_instance,),
        made=_make_instance,
        gone=_leave_instance,
        holds=("linode_config", "linode_disk"),
        shown=_show_instance,
        price=_price,
    ),
    Resource(
        kind="linode_config",
        path=f"{INSTANCE_PATH}/configs",
        scope="linodes",
        filterable=("label",),
        parent="linode",
        verbs=READABLE | {"update"},
        fields=CONFIG,
    ),
    Resource(
        kind="linode_disk",
        path=f"{INSTANCE_PATH}/disks",
        scope="linodes",
        filterable=(
            "label",
            "size",
        ),
        parent="linode",
        verbs=READABLE,
        fields=DISK,
    ),
)

"""What instances do beside the five verbs: power, size, backups, and what is attached to them."""

from __future__ import annotations

from collections.abc import Callable

from aias_services.linode_simulator import engine, events
from aias_services.linode_simulator.fields import Values, boolean, text
from aias_services.linode_simulator.lifecycle import Phases
from aias_services.linode_simulator.refusals import check_all, refuse
from aias_services.linode_simulator.resources.compute import BOOT, INSTANCE_PATH
from aias_services.linode_simulator.resources.firewalls import firewalls_of
from aias_services.linode_simulator.resources.kubernetes import check_plan
from aias_services.linode_simulator.routing import Call, actions


def _back_up(*, enabled: bool) -> Callable[[Call], Values]:
    def handle(call: Call) -> Values:
        instance = call.record("linode")
        instance.values["backups_enabled"] = enabled
        engine.rebill(call.world, instance)
        action = "backups_enable" if enabled else "backups_cancel"
        events.emit(call.world, action, events.entity("linode", instance))
        return {}

    return handle


def _power(verb: str, phases: Phases, allowed: tuple[str, ...]) -> Callable[[Call], Values]:
    def handle(call: Call) -> Values:
        instance = call.record("linode")
        if call.world.status(instance) not in allowed:
            raise refuse(f"Linode cannot be told to {verb} while it is {call.world.status(instance)}")
        call.world.begin(instance, phases)
        engine.emit(call.world, call.world.registry["linode"], instance, verb, lasting=instance)
        return {}

    return handle


def _resize(call: Call) -> Values:
    instance = call.record("linode")
    wanted = call.read(
        {
            "type": text(required=True),
            "allow_auto_disk_resize": boolean(default=True),
            "migration_type": text(choices=("cold", "warm"), default="cold"),
        }
    )
    check_all(check_plan(call.world, wanted["type"], instance.values["region"]))
    instance.values["type"] = wanted["type"]
    call.world.begin(instance, (("resizing", 120.0), *BOOT))
    engine.rebill(call.world, instance)
    engine.emit(call.world, call.world.registry["linode"], instance, "resize", lasting=instance)
    return {}


def _view_ips(call: Call) -> Values:
    instance = call.record("linode")
    address = {
        "address": instance.values["ipv4"][0],
        "assigned_entity": events.entity("linode", instance),
        "gateway": "198.18.0.1",
        "interface_id": None,
        "linode_id": instance.id,
        "prefix": 24,
        "public": True,
        "rdns": None,
        "region": instance.values["region"],
        "subnet_mask": "255.255.255.0",
        "type": "ipv4",
        "vpc_nat_1_1": None,
        "reserved": False,
    }
    return {
        "ipv4": {"public": [address], "private": [], "reserved": [], "shared": [], "vpc": []},
        "ipv6": {"global": [], "link_local": None, "slaac": None},
    }


def _list_volumes(call: Call) -> list[Values]:
    instance, kind = call.record("linode"), call.world.registry["volume"]
    attached = call.world.iter("volume", lambda one: one.values["linode_id"] == instance.id)
    return [engine.show(call.world, kind, one) for one in attached]


def _list_firewalls(call: Call) -> list[Values]:
    return firewalls_of(call.world, "linode", call.record("linode").id)


OPERATIONS = tuple(
    actions(
        "linodes",
        {
            f"POST {INSTANCE_PATH}/boot": _power("boot", BOOT, ("offline",)),
            f"POST {INSTANCE_PATH}/reboot": _power("reboot", (("rebooting", 20.0), ("running", 0.0)), ("running",)),
            f"POST {INSTANCE_PATH}/shutdown": _power(
                "shutdown", (("shutting_down", 10.0), ("offline", 0.0)), ("running",)
            ),
            f"POST {INSTANCE_PATH}/resize": _resize,
            f"POST {INSTANCE_PATH}/backups/enable": _back_up(enabled=True),
            f"POST {INSTANCE_PATH}/backups/cancel": _back_up(enabled=False),
            f"GET {INSTANCE_PATH}/ips": _view_ips,
        },
        {
            f"GET {INSTANCE_PATH}/volumes": _list_volumes,
            f"GET {INSTANCE_PATH}/firewalls": _list_firewalls,
        },
        {
            f"GET {INSTANCE_PATH}/volumes": ("label", "tags"),
            f"GET {INSTANCE_PATH}/firewalls": ("id", "label", "tags", "created", "updated"),
        },
    )
)

"""Block storage volumes."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.catalog import prices, types
from aias_services.linode_simulator.fields import Values, answer, boolean, fixed, integer, many, secret, text
from aias_services.linode_simulator.ledger import Price
from aias_services.linode_simulator.refusals import Fault, check_all, refuse
from aias_services.linode_simulator.resource import Draft, Resource
from aias_services.linode_simulator.routing import Call, actions
from aias_services.linode_simulator.world import Record, World

LEAST_GB, MOST_GB, DEFAULT_GB = 10, 16_384, 20
SMALL_GB, LEAST_ATTACHED, MOST_ATTACHED = 8, 7, 64


def _check(draft: Draft) -> Iterator[Fault]:
    values = draft.values
    if not draft.is_new:
        return
    instance = draft.world.find_lasting("linode", values["linode_id"]) if values["linode_id"] else None
    if values["linode_id"] and instance is None:
        yield Fault("linode_id is not valid", "linode_id")
    elif instance is None and not values["region"]:
        yield Fault("Must provide a region or a Linode ID", "region")
    elif instance is not None:
        values["region"] = values["region"] or instance.values["region"]
        if values["region"] != instance.values["region"]:
            yield Fault("Volume must be in the region of the Linode", "region")
        yield from check_room(draft.world, instance)


def check_room(world: World, instance: Record) -> Iterator[Fault]:
    """Attached volumes by the memory of the plan: 7 beside the boot disk up to 8 GB, one a GB above, 64 at most."""
    memory = types.TYPES[instance.values["type"]]["memory"] // types.GIB
    most = LEAST_ATTACHED if memory <= SMALL_GB else min(memory, MOST_ATTACHED)
    if sum(1 for _ in world.iter("volume", lambda one: one.values["linode_id"] == instance.id)) >= most:
        yield Fault(f"A Linode of this plan may have at most {most} volumes attached", "linode_id")


def _leave(_: World, volume: Record) -> None:
    if volume.values["linode_id"]:
        raise refuse("This Volume must be detached before it can be deleted.")


def _show(world: World, volume: Record) -> Values:
    label = volume.values["label"]
    instance = world.find("linode", volume.values["linode_id"])
    return {
        "filesystem_path": f"/dev/disk/by-id/scsi-0Linode_Volume_{label}",
        "linode_label": instance.values["label"] if instance else None,
        "io_ready": instance is not None,
    }


def _price(volume: Record) -> Price:
    return prices.price_of("volumes", "volume", volume.values["region"]).times(volume.values["size"])


def _attach(call: Call) -> Values:
    volume = call.record("volume")
    wanted = call.read({"linode_id": integer(required=True), "config_id": integer(), "persist_across_boots": boolean()})
    instance = call.world.find_lasting("linode", wanted["linode_id"])
    if instance is None or instance.values["region"] != volume.values["region"]:
        raise refuse("linode_id is not valid", "linode_id")
    if volume.values["linode_id"]:
        raise refuse(f"Volume {volume.id} is already attached")
    check_all(check_room(call.world, instance))
    volume.values["linode_id"] = instance.id
    return _tell(call, volume, "attach")


def _detach(call: Call) -> Values:
    volume = call.record("volume")
    volume.values["linode_id"] = None
    _tell(call, volume, "detach")
    return {}


def _resize(call: Call) -> Values:
    volume, size = call.record("volume"), call.read({"size": integer(required=True, high=MOST_GB)})["size"]
    if size < volume.values["size"]:
        raise refuse("Volumes can only be resized up", "size")
    volume.values["size"] = size
    call.world.begin(volume, (("resizing", 5.0), ("active", 0.0)))
    engine.rebill(call.world, volume)
    return _tell(call, volume, "resize")


def _tell(call: Call, volume: Record, verb: str) -> Values:
    resource = call.world.registry["volume"]
    engine.emit(call.world, resource, volume, verb)
    return engine.show(call.world, resource, volume)


RESOURCES = (
    Resource(
        kind="volume",
        path="/volumes",
        scope="volumes",
        filterable=(
            "label",
            "tags",
        ),
        entity="volume",
        action="volume",
        quota="volume",
        unique="Label must be unique among your volumes",
        capability="Block Storage",
        phases=(("creating", 5.0), ("active", 0.0)),
        fields={
            "id": answer(integer()),
            "label": text(required=True, low=1, high=32, pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*", reason="Invalid label"),
            "size": fixed(integer(low=LEAST_GB, high=MOST_GB, default=DEFAULT_GB)),
            "region": fixed(text(nullable=True)),
            "linode_id": fixed(integer(nullable=True)),
            "config_id": secret(integer(nullable=True)),
            "encryption": fixed(text(choices=("enabled", "disabled"), default="disabled")),
            "tags": many(text(low=3, high=50)),
            "status": answer(text()),
            "filesystem_path": answer(text()),
            "hardware_type": answer(text(default="nvme")),
            "io_ready": answer(boolean()),
            "linode_label": answer(text(nullable=True)),
            "locks": answer(many(text())),
            "created": answer(text()),
            "updated": answer(text()),
        },
        checks=(_check,),
        leaves=_leave,
        shown=_show,
        price=_price,
    ),
)
OPERATIONS = (
    *actions(
        "volumes",
        {
            "POST /volumes/{volume}/attach": _attach,
            "POST /volumes/{volume}/detach": _detach,
            "POST /volumes/{volume}/resize": _resize,
        },
    ),
    *actions(
        "",
        {},
        {"GET /volumes/types": lambda _: prices.list_types("volumes")},
        {"GET /volumes/types": prices.FILTERABLE},
    ),
)

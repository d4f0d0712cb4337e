"""What is published and only read: regions, plans, images, kernels, prices, tags in use."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator.catalog import prices, regions, types, versions
from aias_services.linode_simulator.engine import catalogue
from aias_services.linode_simulator.fields import Values
from aias_services.linode_simulator.refusals import not_found
from aias_services.linode_simulator.routing import Call, actions
from aias_services.linode_simulator.world import Record

TYPE_FILTERS = ("class", "label", "memory", "vcpus", "disk", "gpus", "transfer", "network_out", "accelerated_devices")
TOLD_CLASSES = ("premium", "gpu")
TAGGED = ("linode", "lke_cluster", "lke_pool", "volume", "nodebalancer", "domain", "firewall")


def _availability(call: Call, region: str) -> Iterator[Values]:
    """Linode tells it of these classes only: https://github.com/linode/linode-api-docs/pull/833."""
    sold_out = set(map(tuple, call.world.state.settings.out_of_stock))
    for plan in (name for name, row in types.TYPES.items() if row["class"] in TOLD_CLASSES):
        is_there = types.is_offered(plan, region) and (region, plan) not in sold_out
        yield {"region": region, "plan": plan, "available": is_there}


def _list_availability(call: Call) -> list[Values]:
    return [row for region in regions.REGIONS for row in _availability(call, region)]


def _view_availability(call: Call) -> list[Values]:
    if call.params["region"] not in regions.REGIONS:
        raise not_found()
    return list(_availability(call, call.params["region"]))


def _tagged(call: Call) -> Iterator[tuple[str, Record]]:
    for kind in TAGGED:
        for record in call.world.iter(kind):
            for tag in record.values.get("tags") or ():
                yield tag, record


def _list_tags(call: Call) -> list[Values]:
    return [{"label": tag} for tag in dict.fromkeys(tag for tag, _ in _tagged(call))]


OPERATIONS = (
    *catalogue("/regions", regions.REGIONS, filterable=("country", "site_type")),
    *catalogue("/linode/types", types.TYPES, filterable=TYPE_FILTERS),
    *catalogue(
        "/linode/kernels",
        versions.KERNELS,
        filterable=("label", "version", "kvm", "pvops", "architecture", "deprecated"),
    ),
    *catalogue(
        "/images",
        versions.IMAGES,
        scope="images",
        filterable=("label", "vendor", "size", "deprecated", "is_public", "is_shared", "status", "tags", "type"),
    ),
    *actions(
        "",
        {"GET /regions/{region}/availability": _view_availability},
        {
            "GET /regions/availability": _list_availability,
            "GET /network-transfer/prices": lambda _: prices.list_types("network-transfer"),
        },
        {
            "GET /regions/availability": ("region", "plan", "available"),
            "GET /network-transfer/prices": prices.FILTERABLE,
        },
    ),
    *actions("account", {}, {"GET /tags": _list_tags}),
)

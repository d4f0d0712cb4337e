"""What a plan of Terraform changes about what an environment costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.cost import Estimate, Planned, control_plane_plan, estimate, format_amount
from aias_core.environments.linode.prices import CURRENCY
from aias_core.environments.linode.terraform_plan import UNKNOWN

if TYPE_CHECKING:
    from aias_core.environments.linode.prices import PriceList
    from aias_core.environments.linode.terraform_plan import TerraformPlan

DEFAULT_VOLUME_GIB = 20


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What there is costs, and what there will be."""

    before: Estimate
    after: Estimate

    def as_record(self) -> dict[str, Any]:
        before, after = self.before.total, self.after.total
        return {
            "currency": CURRENCY,
            "before_monthly": format_amount(before.monthly),
            "after_monthly": format_amount(after.monthly),
            "delta_monthly": format_amount(after.monthly - before.monthly),
            "delta_hourly": format_amount(after.hourly - before.hourly),
            "resources": self.after.as_record()["resources"],
            "not_included": self.after.as_record()["not_included"],
        }


def price_plan(plan: TerraformPlan, region: str, prices: PriceList, adopted: Collection[str] = ()) -> PlanCost:
    """The cost of all resources of a plan, changed or not. Raises NotFound for what has no price in its region.

    What is `adopted` by its address is billed already, though the state does not know it yet.
    """
    there = ((one, one.after if one.address in adopted else one.before) for one in plan.changes)
    before = ((one.address, one.type, values) for one, values in there if values is not None)
    after = ((one.address, one.type, one.after) for one in plan.changes if one.after is not None)
    return PlanCost(estimate(read_terraform(before, region), prices), estimate(read_terraform(after, region), prices))


def read_terraform(resources: Iterable[tuple[str, str, Mapping[str, Any]]], region: str) -> list[Planned]:
    """What is billed of Terraform's resources: address, type and planned values of each.

    A pool inside a cluster has no region of its own, so `region` is the environment's.
    """
    planned = [one for address, kind, values in resources for one in _read_resource(address, kind, values, region)]
    buckets = [one for one in planned if one.kind == "object storage"]
    return [one for one in planned if one.kind != "object storage"] + buckets[:1]


def _read_resource(address: str, kind: str, values: Mapping[str, Any], region: str) -> Iterator[Planned]:
    told = values.get("region")
    there = region if told in (None, "", UNKNOWN) else str(told)
    match kind:
        case "linode_lke_cluster":
            planes = values.get("control_plane") or [{}]
            plan = control_plane_plan(str(values.get("tier") or ""), ha=bool(planes[0].get("high_availability")))
            yield Planned("control plane", address, plan, 1, there)
            for number, pool in enumerate(values.get("pool") or ()):
                yield Planned("node", f"{address}.pool[{number}]", pool["type"], _count_nodes(pool, "count"), there)
        case "linode_lke_node_pool":
            yield Planned("node", address, values["type"], _count_nodes(values, "node_count"), there)
        case "linode_database_postgresql_v2":
            yield Planned("database", address, values["type"], _whole(values.get("cluster_size"), 1), there)
        case "linode_nodebalancer":
            yield Planned("nodebalancer", address, "nodebalancer", 1, there)
        case "linode_instance":
            yield Planned("instance", address, values["type"], 1, there)
        case "linode_volume":
            yield Planned("volume", address, "volume", _whole(values.get("size"), DEFAULT_VOLUME_GIB), there)
        case "linode_object_storage_bucket":
            yield Planned("object storage", address, "objectstorage", 1, there)


def _count_nodes(pool: Mapping[str, Any], field: str) -> int:
    """A pool that scales by itself has its minimum at least."""
    scaler = (pool.get("autoscaler") or [{}])[0]
    least = _whole(scaler.get("min"), 0)
    return max(_whole(pool.get(field), least), least)


def _whole(value: object, otherwise: int) -> int:
    """A number, unless it is missing or only known after the apply."""
    return int(value) if isinstance(value, int | float) and value else otherwise

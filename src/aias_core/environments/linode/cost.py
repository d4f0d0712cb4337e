"""What an environment costs: an estimate per resource from the account's prices, and what the account was billed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from aias_core.environments.linode.kinds import label_of
from aias_core.environments.linode.prices import CURRENCY, FREE, Price, PriceList
from aias_core.environments.linode.variables import list_pools

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile

PlannedKind = Literal["control plane", "node", "instance", "database", "nodebalancer", "object storage", "volume"]
STANDARD, HIGHLY_AVAILABLE, ENTERPRISE = "lke-sa", "lke-ha", "lke-e"
OF_WORKLOADS = "volumes and NodeBalancers that workloads ask for, such as the NodeBalancer of the edge"
NOT_INCLUDED = (
    "network transfer above the pool of the account",
    OF_WORKLOADS,
    "nodes that pools add by themselves above their count",
    "Object Storage above what its flat price includes; that price is paid once for the whole account",
    "taxes",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing that will be billed; a volume's `quantity` is its GiB, a database's are its nodes."""

    kind: PlannedKind
    name: str
    plan: str
    quantity: int
    region: str

    def price(self, prices: PriceList) -> Price:
        """What all of it costs together. Raises NotFound for what has no price in the region."""
        match self.kind:
            case "control plane":
                return prices.control_plane(self.plan, self.region).times(self.quantity)
            case "database":
                return prices.database(self.plan, self.quantity, self.region)
            case "nodebalancer":
                return prices.nodebalancer(self.region).times(self.quantity)
            case "object storage":
                return prices.object_storage()
            case "volume":
                return prices.volume(self.quantity, self.region)
            case _:
                return prices.plan(self.plan, self.region).times(self.quantity)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A price for each planned resource."""

    lines: Sequence[tuple[Planned, Price]]
    not_included: Sequence[str] = NOT_INCLUDED

    @property
    def total(self) -> Price:
        return sum((price for _, price in self.lines), FREE)

    def as_record(self) -> dict[str, Any]:
        resources = [
            {
                "kind": planned.kind,
                "name": planned.name,
                "plan": planned.plan,
                "quantity": planned.quantity,
                "hourly": format_amount(price.hourly),
                "monthly": format_amount(price.monthly),
            }
            for planned, price in self.lines
        ]
        total = {"hourly": format_amount(self.total.hourly), "monthly": format_amount(self.total.monthly)}
        return {"currency": CURRENCY, "resources": resources, **total, "not_included": list(self.not_included)}


def estimate(resources: Iterable[Planned], prices: PriceList) -> Estimate:
    """The price of each. Raises NotFound for what has no price in its region."""
    return Estimate([(planned, planned.price(prices)) for planned in resources])


def plan_resources(profile: LinodeProfile) -> list[Planned]:
    """What an environment of that profile is billed for."""
    return list(_iter_resources(profile))


def _iter_resources(profile: LinodeProfile) -> Iterator[Planned]:
    region, label = profile.region, label_of(profile.name)
    yield Planned("control plane", label, control_plane_plan(profile.cluster.tier, ha=profile.cluster.ha), 1, region)
    for name, pool in list_pools(profile).items():
        yield Planned("node", f"{label}-{name}", pool.type, pool.count, region)
    yield Planned("database", label, profile.database.type, profile.database.nodes, region)
    if profile.buckets:
        yield Planned("object storage", f"{len(profile.buckets)} buckets", "objectstorage", 1, region)


def control_plane_plan(tier: str, *, ha: bool) -> str:
    """Under which name Linode charges for a control plane."""
    return ENTERPRISE if tier == "enterprise" else HIGHLY_AVAILABLE if ha else STANDARD


def format_amount(amount: Decimal) -> str:
    """Without trailing zeros, yet at least whole cents, for example `60.00` or `0.0645`."""
    text = f"{amount.normalize():f}"
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"

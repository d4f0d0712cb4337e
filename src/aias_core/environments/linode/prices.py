"""What Linode charges, by its price endpoints: a region's own price first, as GPU plans have no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.errors import NotFound
from aias_core.files import whole_file

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount

CURRENCY = "USD"
FILE = "prices.json"
MOST_AGE = timedelta(days=1)
PRODUCTS = {
    "plans": "/linode/types",
    "control planes": "/lke/types",
    "databases": "/databases/types",
    "nodebalancers": "/nodebalancers/types",
    "volumes": "/volumes/types",
    "object storage": "/object-storage/types",
}
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for an hour, and the most that a month costs."""

    hourly: Decimal
    monthly: Decimal

    def times(self, quantity: int) -> Price:
        return Price(self.hourly * quantity, self.monthly * quantity)

    def __add__(self, other: Price) -> Price:
        return Price(self.hourly + other.hourly, self.monthly + other.monthly)


FREE = Price(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class PriceList:
    """The price endpoints by product. Each method raises NotFound for what has no price in the region."""

    products: Mapping[str, Rows]

    def plan(self, plan: str, region: str) -> Price:
        """One instance or node. A plan without any price there is not sold there; it is not free."""
        price = _price_in(self._row("plans", plan), region)
        if price == FREE:
            raise _no_price(plan, region)
        return price

    def control_plane(self, plan: str, region: str) -> Price:
        """`lke-sa` (free), `lke-ha` or `lke-e`."""
        return _price_in(self._row("control planes", plan), region)

    def database(self, plan: str, nodes: int, region: str) -> Price:
        """A managed PostgreSQL of so many nodes."""
        offers = self._row("databases", plan)["engines"]["postgresql"]
        found = next((one for one in offers if one["quantity"] == nodes), None)
        if found is None:
            raise _no_price(f"{plan} with {nodes} nodes", region)
        return _price_in(found, region)

    def nodebalancer(self, region: str) -> Price:
        return _price_in(self._row("nodebalancers", "nodebalancer"), region)

    def volume(self, gib: int, region: str) -> Price:
        return _price_in(self._row("volumes", "volume"), region).times(gib)

    def object_storage(self) -> Price:
        """The flat price that an account pays once, whatever the number and the regions of its buckets."""
        return _price_in(self._row("object storage", "objectstorage"), region="")

    def _row(self, product: str, identifier: str) -> dict[str, Any]:
        found = next((row for row in self.products[product] if row["id"] == identifier), None)
        if found is None:
            raise NotFound(f"Linode has no price of '{identifier}' among its {product}", hint=_HINT)
        return found


_HINT = "choose a plan that the region offers; see: aias env validate"


def read_prices(account: LinodeAccount, directory: Path) -> PriceList:
    """The price list of the account, at most a day old; kept in the environment's directory."""
    kept = _read_kept(directory / FILE, account.url)
    if kept is not None:
        return PriceList(kept)
    products = {product: account.list_all(path) for product, path in PRODUCTS.items()}
    record = {"read_at": clock.format_instant(clock.now()), "url": account.url, "products": products}
    with whole_file(directory / FILE) as file:
        file.write(json.dumps(record).encode())
    return PriceList(products)


def _read_kept(file: Path, url: str) -> dict[str, Rows] | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        age = clock.now() - clock.parse_instant(record["read_at"])
        is_good = record["url"] == url and timedelta(0) <= age < MOST_AGE and set(record["products"]) == set(PRODUCTS)
        return dict(record["products"]) if is_good else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _price_in(row: Mapping[str, Any], region: str) -> Price:
    regional: Iterable[Mapping[str, Any]] = row.get("region_prices") or ()
    amounts = next((one for one in regional if one["id"] == region), row.get("price") or {})
    return Price(_amount(amounts.get("hourly")), _amount(amounts.get("monthly")))


def _amount(number: object) -> Decimal:
    """JSON numbers arrive as floats; their shortest text is what Linode wrote."""
    return Decimal(str(number or 0))


def _no_price(what: str, region: str) -> NotFound:
    return NotFound(f"Linode has no price of '{what}' in '{region}'", hint=_HINT)

"""Prices of what is not a plan of instances, in US dollars, as published by the `…/types` of each product."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aias_services.linode_simulator.catalog.types import DEARER, amounts, region_prices
from aias_services.linode_simulator.ledger import Price

FILTERABLE = ("label", "transfer", "price.hourly", "price.monthly")
# id, label, hourly, monthly
_ROWS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "lke": (
        ("lke-sa", "LKE Standard Availability", "0", "0"),
        ("lke-ha", "LKE High Availability", "0.09", "60"),
        ("lke-e", "LKE Enterprise", "0.45", "300"),
    ),
    "volumes": (("volume", "Storage Volume", "0.00015", "0.1"),),
    "nodebalancers": (("nodebalancer", "NodeBalancer", "0.015", "10"),),
    "object-storage": (
        ("objectstorage", "Object Storage", "0.0075", "5"),
        ("objectstorage-overage", "Object Storage Overage", "0", "0.02"),
    ),
    "network-transfer": (
        ("distributed_network_transfer", "Distributed Network Transfer", "0.01", "0"),
        ("network_transfer", "Network Transfer", "0.005", "0"),
    ),
}


def list_types(product: str) -> list[dict[str, Any]]:
    """The types of a product with their prices."""
    return [
        {
            "id": identifier,
            "label": label,
            "price": amounts(Decimal(hourly), Decimal(monthly)),
            "region_prices": region_prices(Decimal(hourly), Decimal(monthly)),
            "transfer": 0,
        }
        for identifier, label, hourly, monthly in _ROWS[product]
    ]


def price_of(product: str, identifier: str, region: str) -> Price:
    """What one of a product costs in a region."""
    row = next(row for row in _ROWS[product] if row[0] == identifier)
    factor = DEARER.get(region, Decimal(1))
    return Price(identifier, Decimal(row[2]) * factor, Decimal(row[3]) * factor)

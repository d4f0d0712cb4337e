"""Managed databases: engines, plans and prices in US dollars, as answered by `GET /databases/types` (2024-12-27)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aias_services.linode_simulator.catalog.types import amounts
from aias_services.linode_simulator.ledger import Price

ENGINES = [
    {"id": f"{engine}/{version}", "engine": engine, "version": version}
    for engine, versions in (("mysql", ("8",)), ("postgresql", ("13", "14", "15", "16", "17")))
    for version in versions
]

# id, label, vCPUs, memory MB, disk MB, price of each number of nodes: hourly, monthly
_ROWS: tuple[tuple[str, str, int, int, int, dict[int, tuple[str, str]]], ...] = (
    ("g6-nanode-1", "Nanode 1GB", 1, 1024, 9216, {1: ("0.024", "16"), 3: ("0.055", "37")}),
    ("g6-standard-1", "Linode 2GB", 1, 2048, 30720, {1: ("0.047", "32"), 3: ("0.11", "74")}),
    ("g6-standard-2", "Linode 4GB", 2, 4096, 59392, {1: ("0.094", "63"), 3: ("0.22", "147")}),
    ("g6-standard-4", "Linode 8GB", 4, 8192, 133120, {1: ("0.189", "126"), 3: ("0.441", "294")}),
    ("g6-standard-6", "Linode 16GB", 6, 16384, 286720, {1: ("0.378", "252"), 3: ("0.882", "588")}),
    ("g6-standard-8", "Linode 32GB", 8, 32768, 589824, {1: ("0.756", "504"), 3: ("1.764", "1176")}),
    ("g6-standard-16", "Linode 64GB", 16, 65536, 1206272, {1: ("1.512", "1008"), 3: ("3.528", "2352")}),
    ("g6-standard-20", "Linode 96GB", 20, 98304, 1830912, {1: ("2.268", "1512"), 3: ("5.317", "3545")}),
    ("g6-standard-24", "Linode 128GB", 24, 131072, 2439168, {1: ("3.024", "2016"), 3: ("7.09", "4726")}),
    ("g6-standard-32", "Linode 192GB", 32, 196608, 3686400, {1: ("4.536", "3025"), 3: ("10.634", "7090")}),
    ("g6-dedicated-2", "Dedicated 4GB", 2, 4096, 59392, {1: ("0.102", "68"), 2: ("0.214", "143"), 3: ("0.307", "206")}),
    (
        "g6-dedicated-4",
        "Dedicated 8GB",
        4,
        8192,
        133120,
        {1: ("0.204", "136"), 2: ("0.427", "285"), 3: ("0.615", "410")},
    ),
    (
        "g6-dedicated-8",
        "Dedicated 16GB",
        6,
        16384,
        286720,
        {1: ("0.409", "273"), 2: ("0.885", "590"), 3: ("1.228", "819")},
    ),
    (
        "g6-dedicated-16",
        "Dedicated 32GB",
        8,
        32768,
        589824,
        {1: ("0.819", "546"), 2: ("1.752", "1168"), 3: ("2.457", "1638")},
    ),
    (
        "g6-dedicated-32",
        "Dedicated 64GB",
        16,
        65536,
        1206272,
        {1: ("1.759", "1173"), 2: ("3.547", "2365"), 3: ("5.188", "3459")},
    ),
    (
        "g6-dedicated-48",
        "Dedicated 96GB",
        20,
        98304,
        1830912,
        {1: ("2.639", "1759"), 2: ("5.448", "3632"), 3: ("7.792", "5195")},
    ),
    (
        "g6-dedicated-50",
        "Dedicated 128GB",
        50,
        131072,
        2379776,
        {1: ("3.511", "2341"), 2: ("7.132", "4755"), 3: ("10.108", "6739")},
    ),
    (
        "g6-dedicated-56",
        "Dedicated 256GB",
        56,
        262144,
        4816896,
        {1: ("7.032", "4684"), 2: ("13.677", "9118"), 3: ("20.329", "13553")},
    ),
)


def price_of(plan: str, nodes: int) -> Price:
    """What a database of so many nodes costs."""
    hourly, monthly = next(row for row in _ROWS if row[0] == plan)[5][nodes]
    return Price(f"{plan} x{nodes}", Decimal(hourly), Decimal(monthly))


def _type(identifier: str, label: str, vcpus: int, memory: int, disk: int, prices: Any) -> dict[str, Any]:
    quantities = [
        {"quantity": nodes, "price": amounts(Decimal(hourly), Decimal(monthly))}
        for nodes, (hourly, monthly) in prices.items()
    ]
    return {
        "id": identifier,
        "label": f"DBaaS - {label}",
        "class": identifier.split("-")[1],
        "vcpus": vcpus,
        "memory": memory,
        "disk": disk,
        "engines": {"mysql": quantities, "postgresql": quantities},
    }


TYPES: dict[str, dict[str, Any]] = {row[0]: _type(*row) for row in _ROWS}

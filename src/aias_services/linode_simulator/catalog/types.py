"""Plan types and their prices in US dollars, as published by `GET /linode/types` (read on 2026-09-17).

GPU plans have no base price: what they cost stands in `region_prices`, for the regions that have GPUs. Jakarta costs
1.2 times and Sao Paulo 1.4 times the base price.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aias_services.linode_simulator.catalog.regions import GPU, PREMIUM, has, with_capability
from aias_services.linode_simulator.ledger import Price

DEARER = {"id-cgk": Decimal("1.2"), "br-gru": Decimal("1.4")}
BLACKWELL = ("us-sea", "us-lax", "id-cgk", "ca-central")
QUADRO = ("us-east", "us-southeast", "eu-central", "ap-south", "ap-west")
GIB = 1024
BACKUP_HOUR = Decimal("0.0015")

# id, label, class, vCPUs, memory GB, disk GB, transfer GB, network out Mbps, GPUs, hourly, monthly, backups
_ROWS: tuple[tuple[str, str, str, int, int, int, int, int, int, str, str, str], ...] = (
    ("g6-nanode-1", "Nanode 1GB", "nanode", 1, 1, 25, 1000, 1000, 0, "0.0075", "5", "2"),
    ("g6-standard-1", "Linode 2GB", "standard", 1, 2, 50, 2000, 2000, 0, "0.018", "12", "2.5"),
    ("g6-standard-2", "Linode 4GB", "standard", 2, 4, 80, 4000, 4000, 0, "0.036", "24", "5"),
    ("g6-standard-4", "Linode 8GB", "standard", 4, 8, 160, 5000, 5000, 0, "0.072", "48", "10"),
    ("g6-standard-6", "Linode 16GB", "standard", 6, 16, 320, 8000, 6000, 0, "0.144", "96", "20"),
    ("g6-standard-8", "Linode 32GB", "standard", 8, 32, 640, 16000, 7000, 0, "0.288", "192", "40"),
    ("g6-standard-16", "Linode 64GB", "standard", 16, 64, 1280, 20000, 9000, 0, "0.576", "384", "80"),
    ("g6-standard-20", "Linode 96GB", "standard", 20, 96, 1920, 20000, 10000, 0, "0.864", "576", "120"),
    ("g6-standard-24", "Linode 128GB", "standard", 24, 128, 2560, 20000, 11000, 0, "1.152", "768", "160"),
    ("g6-standard-32", "Linode 192GB", "standard", 32, 192, 3840, 20000, 12000, 0, "1.728", "1152", "240"),
    ("g7-highmem-1", "Linode 24GB", "highmem", 2, 24, 20, 5000, 5000, 0, "0.09", "60", "5"),
    ("g7-highmem-2", "Linode 48GB", "highmem", 2, 48, 40, 6000, 6000, 0, "0.18", "120", "10"),
    ("g7-highmem-4", "Linode 90GB", "highmem", 4, 90, 90, 7000, 7000, 0, "0.36", "240", "20"),
    ("g7-highmem-8", "Linode 150GB", "highmem", 8, 150, 200, 8000, 8000, 0, "0.72", "480", "40"),
    ("g7-highmem-16", "Linode 300GB", "highmem", 16, 300, 340, 9000, 9000, 0, "1.44", "960", "80"),
    ("g6-dedicated-2", "Dedicated 4GB", "dedicated", 2, 4, 80, 4000, 4000, 0, "0.054", "36", "5"),
    ("g6-dedicated-4", "Dedicated 8GB", "dedicated", 4, 8, 160, 5000, 5000, 0, "0.108", "72", "10"),
    ("g6-dedicated-8", "Dedicated 16GB", "dedicated", 8, 16, 320, 6000, 6000, 0, "0.216", "144", "20"),
    ("g6-dedicated-16", "Dedicated 32GB", "dedicated", 16, 32, 640, 7000, 7000, 0, "0.432", "288", "40"),
    ("g6-dedicated-32", "Dedicated 64GB", "dedicated", 32, 64, 1280, 8000, 8000, 0, "0.864", "576", "80"),
    ("g6-dedicated-48", "Dedicated 96GB", "dedicated", 48, 96, 1920, 9000, 9000, 0, "1.296", "864", "120"),
    ("g6-dedicated-50", "Dedicated 128GB", "dedicated", 50, 128, 2500, 10000, 10000, 0, "1.728", "1152", "160"),
    ("g6-dedicated-56", "Dedicated 256GB", "dedicated", 56, 256, 5000, 11000, 11000, 0, "3.456", "2304", "240"),
    ("g7-dedicated-4-2", "G7 Dedicated 4x2", "dedicated", 2, 4, 80, 4000, 4000, 0, "0.0645", "43", "5"),
    ("g7-dedicated-8-4", "G7 Dedicated 8x4", "dedicated", 4, 8, 160, 5000, 5000, 0, "0.129", "86", "10"),
    ("g7-dedicated-16-8", "G7 Dedicated 16x8", "dedicated", 8, 16, 320, 6000, 6000, 0, "0.2595", "173", "20"),
    ("g7-dedicated-32-16", "G7 Dedicated 32x16", "dedicated", 16, 32, 640, 7000, 7000, 0, "0.519", "346", "40"),
    ("g7-dedicated-64-32", "G7 Dedicated 64x32", "dedicated", 32, 64, 1280, 8000, 8000, 0, "1.0365", "691", "80"),
    (
        "g7-dedicated-256-56",
        "G7 Dedicated 256x56",
        "dedicated",
        56,
        256,
        5000,
        11000,
        11000,
        0,
        "4.1475",
        "2765",
        "240",
    ),
    ("g7-premium-2", "Premium 4GB", "premium", 2, 4, 80, 4000, 4000, 0, "0.0645", "43", "5"),
    ("g7-premium-4", "Premium 8GB", "premium", 4, 8, 160, 5000, 5000, 0, "0.129", "86", "10"),
    ("g7-premium-8", "Premium 16GB", "premium", 8, 16, 320, 6000, 6000, 0, "0.2595", "173", "20"),
    ("g7-premium-16", "Premium 32GB", "premium", 16, 32, 640, 7000, 7000, 0, "0.519", "346", "40"),
    ("g7-premium-32", "Premium 64GB", "premium", 32, 64, 1280, 8000, 8000, 0, "1.0365", "691", "80"),
    ("g7-premium-48", "Premium 96GB", "premium", 48, 96, 1920, 9000, 9000, 0, "1.5555", "1037", "120"),
    ("g7-premium-50", "Premium 128GB", "premium", 50, 128, 2500, 10000, 10000, 0, "2.073", "1382", "160"),
    ("g7-premium-56", "Premium 256GB", "premium", 56, 256, 5000, 11000, 11000, 0, "4.1475", "2765", "240"),
    ("g1-gpu-rtx6000-1", "Dedicated 32GB + RTX6000 GPU x1", "gpu", 8, 32, 640, 16000, 10000, 1, "1.5", "1000", "40"),
    ("g1-gpu-rtx6000-2", "Dedicated 64GB + RTX6000 GPU x2", "gpu", 16, 64, 1280, 20000, 10000, 2, "3", "2000", "80"),
    ("g1-gpu-rtx6000-3", "Dedicated 96GB + RTX6000 GPU x3", "gpu", 20, 96, 1920, 20000, 10000, 3, "4.5", "3000", "120"),
    ("g1-gpu-rtx6000-4", "Dedicated 128GB + RTX6000 GPU x4", "gpu", 24, 128, 2560, 20000, 10000, 4, "6", "4000", "160"),
    ("g2-gpu-rtx4000a1-s", "RTX4000 Ada x1 Small", "gpu", 4, 16, 512, 0, 10000, 1, "0.52", "350", "20"),
    ("g2-gpu-rtx4000a1-m", "RTX4000 Ada x1 Medium", "gpu", 8, 32, 512, 0, 10000, 1, "0.67", "446", "40"),
    ("g2-gpu-rtx4000a1-l", "RTX4000 Ada x1 Large", "gpu", 16, 64, 512, 0, 10000, 1, "0.96", "638", "80"),
    ("g2-gpu-rtx4000a1-xl", "RTX4000 Ada x1 X-Large", "gpu", 32, 128, 512, 0, 10000, 1, "1.53", "1022", "160"),
    ("g2-gpu-rtx4000a2-s", "RTX4000 Ada x2 Small", "gpu", 8, 32, 1024, 0, 10000, 2, "1.05", "700", "40"),
    ("g2-gpu-rtx4000a2-m", "RTX4000 Ada x2 Medium", "gpu", 16, 64, 1024, 0, 10000, 2, "1.34", "892", "80"),
    (
        "g2-gpu-rtx4000a2-hs",
        "RTX4000 Ada x2 Medium High Storage",
        "gpu",
        16,
        64,
        2048,
        0,
        10000,
        2,
        "1.49",
        "992",
        "80",
    ),
    ("g2-gpu-rtx4000a4-s", "RTX4000 Ada x4 Small", "gpu", 32, 128, 2048, 0, 10000, 4, "2.96", "1976", "160"),
    ("g2-gpu-rtx4000a4-m", "RTX4000 Ada x4 Medium", "gpu", 48, 196, 2048, 0, 10000, 4, "3.57", "2384", "160"),
    ("g3-gpu-rtxpro6000-blackwell-1", "RTX PRO 6000 x1", "gpu", 16, 172, 1024, 0, 10000, 1, "3", "2000", "160"),
    ("g3-gpu-rtxpro6000-blackwell-2", "RTX PRO 6000 x2", "gpu", 32, 344, 2048, 0, 10000, 2, "6", "4000", "240"),
    ("g3-gpu-rtxpro6000-blackwell-4", "RTX PRO 6000 x4", "gpu", 64, 688, 4096, 0, 10000, 4, "12", "8000", "240"),
)
_PRICES = {row[0]: Price(row[0], Decimal(row[9]), Decimal(row[10])) for row in _ROWS}
_BACKUPS = {
    row[0]: Price("backups", (Decimal(row[11]) * BACKUP_HOUR).quantize(Decimal("0.001")), Decimal(row[11]))
    for row in _ROWS
}


def price_of(plan: str, region: str) -> Price:
    """What a plan costs in a region."""
    price, factor = _PRICES[plan], DEARER.get(region, Decimal(1))
    return Price(plan, price.hourly * factor, price.monthly * factor)


def backups_price_of(plan: str, region: str) -> Price:
    """What the backups of a plan cost in a region."""
    price, factor = _BACKUPS[plan], DEARER.get(region, Decimal(1))
    return Price(price.plan, price.hourly * factor, price.monthly * factor)


def is_offered(plan: str, region: str) -> bool:
    """Whether a region has this plan at all."""
    kind = TYPES[plan]["class"]
    if kind == "gpu":
        return region in _gpu_regions(plan)
    return has(region, PREMIUM) if kind == "premium" or plan.startswith("g7-dedicated") else True


def amounts(hourly: Decimal, monthly: Decimal) -> dict[str, float]:
    """A price as it is answered."""
    return {"hourly": float(hourly), "monthly": float(monthly)}


def region_prices(hourly: Decimal, monthly: Decimal) -> list[dict[str, Any]]:
    """The prices of the dearer regions."""
    return [{"id": region, **amounts(hourly * factor, monthly * factor)} for region, factor in DEARER.items()]


def _gpu_regions(plan: str) -> list[str]:
    if plan.startswith("g3-"):
        return list(BLACKWELL)
    return list(QUADRO) if plan.startswith("g1-") else [r for r in with_capability(GPU) if r not in QUADRO]


def _type(row: tuple[str, str, str, int, int, int, int, int, int, str, str, str]) -> dict[str, Any]:
    identifier, label, kind, vcpus, memory, disk, transfer, network, gpus, hourly, monthly, _ = row
    is_gpu, hour, month = kind == "gpu", _BACKUPS[identifier].hourly, _BACKUPS[identifier].monthly
    regional = (
        [{"id": region, **amounts(price_of(identifier, region).hourly, price_of(identifier, region).monthly)}
         for region in _gpu_regions(identifier)]
        if is_gpu
        else region_prices(Decimal(hourly), Decimal(monthly))
    )  # fmt: skip
    return {
        "id": identifier,
        "label": label,
        "class": kind,
        "vcpus": vcpus,
        "memory": memory * GIB,
        "disk": disk * GIB,
        "transfer": transfer,
        "network_out": network,
        "gpus": gpus,
        "accelerated_devices": 0,
        "successor": None,
        "price": amounts(Decimal(0), Decimal(0)) if is_gpu else amounts(Decimal(hourly), Decimal(monthly)),
        "region_prices": regional,
        "addons": {"backups": {"price": amounts(hour, month), "region_prices": region_prices(hour, month)}},
    }


TYPES: dict[str, dict[str, Any]] = {row[0]: _type(row) for row in _ROWS}

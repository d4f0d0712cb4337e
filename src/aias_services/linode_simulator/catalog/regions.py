"""The core regions and what each can do, as published by `GET /regions`."""

from __future__ import annotations

from typing import Any

COMMON = (
    "Linodes",
    "Block Storage Encryption",
    "Disk Encryption",
    "Backups",
    "NodeBalancers",
    "Block Storage",
    "Kubernetes",
    "Cloud Firewall",
    "Vlans",
    "VPCs",
    "Managed Databases",
    "Metadata",
    "Placement Group",
    "StackScripts",
)
STORAGE, PREMIUM, ENTERPRISE, GPU = "Object Storage", "Premium Plans", "Kubernetes Enterprise", "GPU Linodes"
NEW = (STORAGE, PREMIUM, ENTERPRISE)

_ROWS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("ap-northeast", "Tokyo 2, JP", "jp", ()),
    ("ap-south", "Singapore, SG", "sg", (STORAGE, GPU)),
    ("ap-southeast", "Sydney, AU", "au", ()),
    ("ap-west", "Mumbai, IN", "in", (GPU,)),
    ("au-mel", "Melbourne, AU", "au", NEW),
    ("br-gru", "Sao Paulo, BR", "br", NEW),
    ("ca-central", "Toronto, CA", "ca", (GPU,)),
    ("de-fra-2", "Frankfurt 2, DE", "de", (*NEW, GPU)),
    ("es-mad", "Madrid, ES", "es", NEW),
    ("eu-central", "Frankfurt, DE", "de", (STORAGE, GPU)),
    ("eu-west", "London, UK", "gb", ()),
    ("fr-par", "Paris, FR", "fr", (*NEW, GPU)),
    ("gb-lon", "London 2, UK", "gb", NEW),
    ("id-cgk", "Jakarta, ID", "id", (*NEW, GPU)),
    ("in-bom-2", "Mumbai 2, IN", "in", NEW),
    ("in-maa", "Chennai, IN", "in", NEW),
    ("it-mil", "Milan, IT", "it", NEW),
    ("jp-osa", "Osaka, JP", "jp", (*NEW, GPU)),
    ("jp-tyo-3", "Tokyo 3, JP", "jp", NEW),
    ("nl-ams", "Amsterdam, NL", "nl", NEW),
    ("se-sto", "Stockholm, SE", "se", NEW),
    ("sg-sin-2", "Singapore 2, SG", "sg", (*NEW, GPU)),
    ("us-central", "Dallas, TX", "us", ()),
    ("us-east", "Newark, NJ", "us", (STORAGE, GPU)),
    ("us-iad", "Washington, DC", "us", NEW),
    ("us-lax", "Los Angeles, CA", "us", (*NEW, GPU)),
    ("us-mia", "Miami, FL", "us", NEW),
    ("us-ord", "Chicago, IL", "us", (*NEW, GPU)),
    ("us-sea", "Seattle, WA", "us", (*NEW, GPU)),
    ("us-southeast", "Atlanta, GA", "us", (STORAGE, GPU)),
    ("us-west", "Fremont, CA", "us", ()),
)


def _region(identifier: str, label: str, country: str, more: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": identifier,
        "label": label,
        "country": country,
        "capabilities": [*COMMON, *more],
        "status": "ok",
        "site_type": "core",
        "resolvers": {"ipv4": "192.0.2.5, 192.0.2.6", "ipv6": "2001:db8::5, 2001:db8::6"},
        "placement_group_limits": {
            "maximum_pgs_per_customer": 100,
            "maximum_linodes_per_pg": 10,
            "maximum_linodes_per_flexible_pg": 10,
        },
        "monitors": {"alerts": ["Managed Databases"], "metrics": ["Managed Databases"]},
    }


REGIONS: dict[str, dict[str, Any]] = {row[0]: _region(*row) for row in _ROWS}


def has(region: str, capability: str) -> bool:
    """Whether a region can do this; a region that there is not can do nothing."""
    return region in REGIONS and capability in REGIONS[region]["capabilities"]


def with_capability(capability: str) -> list[str]:
    """The regions that can do this."""
    return [region for region in REGIONS if has(region, capability)]

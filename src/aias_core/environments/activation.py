"""Choosing the environment that commands mean when nobody names one, with its env file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aias_core.environments.choice import DEFAULT, MARKER, find_choice
from aias_core.environments.exporting import Export, ExportFormat, export_linode, export_local, write_export
from aias_core.environments.local.state import ensure_root
from aias_core.environments.local.target import open_environment
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.environments.validation import validate_environment
from aias_core.errors import EnvironmentNotUp
from aias_core.files import whole_file

_ENV_FILE = "current.env"


@dataclass(frozen=True, slots=True)
class Activation:
    """What is chosen now and was before; `env_file` is None while the environment has no addresses."""

    environment: str
    previous: str
    env_file: str | None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def activate(name: str, state_root: Path, own: Path | None) -> Activation:
    """Stores the choice and writes the env file of the environment beside it.

    Raises NotFound for an unknown environment and InvalidInput for a profile with errors; the old choice then stays.
    """
    if fault := validate_environment(name, own).find_fault():
        raise fault
    previous = find_choice(state_root) or DEFAULT
    ensure_root(state_root)
    env_file = _refresh(name, state_root, own)
    with whole_file(state_root / MARKER, mode=0o644) as file:
        file.write(f"{name}\n".encode())
    return Activation(name, previous, env_file)


def _refresh(name: str, state_root: Path, own: Path | None) -> str | None:
    path = state_root / _ENV_FILE
    try:
        write_export(export_environment(name, state_root, own), ExportFormat.ENV, path)
    except EnvironmentNotUp:
        with suppress(FileNotFoundError):
            path.unlink()
        return None
    return str(path)


def export_environment(name: str, state_root: Path, own: Path | None, component: str | None = None) -> Export:
    """The variables of an environment of either target. Raises NotFound, EnvironmentNotUp."""
    profile = load_profile(name, own)
    if isinstance(profile, LinodeProfile):
        return export_linode(profile, component)
    return export_local(open_environment(name, state_root, own), component)

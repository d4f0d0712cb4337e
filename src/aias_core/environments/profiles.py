"""Profiles: an environment is a file that may extend another one; the user's directory wins over what ships."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.environments.assembly import SHIPPED, Assembly, assemble, find_file
from aias_core.environments.findings import find_errors
from aias_core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile, LocalProfile

PARENTS = frozenset({"base", "linode"})
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def list_environments(own: Path | None) -> list[str]:
    """The names that can be brought up, sorted."""
    directories = [SHIPPED] if own is None else [own, SHIPPED]
    found = {path.stem for directory in directories for path in directory.glob("*.yaml")}
    return sorted(name for name in found - PARENTS if _NAME.fullmatch(name))


def check_environment(name: str, own: Path | None) -> None:
    """Raises NotFound, listing the known ones, when there is no profile of that name."""
    if name in PARENTS or _NAME.fullmatch(name) is None or find_file(name, own) is None:
        known = ", ".join(list_environments(own))
        raise NotFound(
            f"There is no environment '{name}'; known are: {known}",
            hint=f"add one as DIR/{name}.yaml with the line 'extends: local', and name the directory with --config DIR",
        )


def load_profile(name: str, own: Path | None, overrides: Sequence[str] = ()) -> LocalProfile | LinodeProfile:
    """The profile with all that it extends and `--set` values on top.

    Raises NotFound, or InvalidInput naming every fault with its file and line.
    """
    from aias_core.environments.schema_faults import build_profile

    check_environment(name, own)
    profile, findings = build_profile(assemble(name, own, overrides))
    if profile is None:
        raise _invalid(name, "; ".join(finding.format() for finding in find_errors(findings)))
    return profile


def load_local_profile(name: str, own: Path | None, overrides: Sequence[str] = ()) -> LocalProfile:
    """The profile of an environment on this machine. Raises as `load_profile`, and InvalidInput for another target."""
    from aias_core.environments.schema import LocalProfile

    profile = load_profile(name, own, overrides)
    if not isinstance(profile, LocalProfile):
        raise InvalidInput(f"The environment '{name}' is not on this machine")
    return profile


def read_profile(name: str, own: Path | None) -> dict[str, Any]:
    """The content of a profile with all that it extends, not validated: good enough for what ships. Raises NotFound."""
    return read_assembly(name, own).raw


def read_assembly(name: str, own: Path | None, overrides: Sequence[str] = ()) -> Assembly:
    """The layers of a profile. Raises NotFound, or InvalidInput when a file cannot be read or a chain has no end."""
    check_environment(name, own)
    assembly = assemble(name, own, overrides)
    if assembly.findings:
        raise _invalid(name, "; ".join(finding.format() for finding in assembly.findings))
    return assembly


def _invalid(name: str, faults: str) -> InvalidInput:
    return InvalidInput(
        f"The profile '{name}' is not valid: {faults}", hint=f"see each with its fix: aias env validate {name}"
    )

"""The profile of an environment that is on Linode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.profiles import load_profile
from aias_core.errors import Refused

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile


def load_linode_profile(name: str, own: Path | None) -> LinodeProfile:
    """The profile. Raises NotFound, InvalidInput, and Refused for an environment on this machine."""
    from aias_core.environments.schema import LinodeProfile

    profile = load_profile(name, own)
    if not isinstance(profile, LinodeProfile):
        raise Refused(
            f"The environment '{name}' is on this machine, and this command works on one that is on Linode",
            hint="name one, such as 'development'; see them: aias env list",
        )
    return profile

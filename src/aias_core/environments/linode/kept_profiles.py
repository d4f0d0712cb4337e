"""The profile that each run made an environment by, beside the versions of its state: the way back needs both.

A version bears the fence of the run that wrote it, and so does the profile. References to secrets are kept, no values.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from aias_core.errors import NotFound

if TYPE_CHECKING:
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.states import Version
    from aias_core.environments.schema import LinodeProfile

_FOLDER = "profiles"


def keep_profile(state: RemoteState, fence: int, profile: LinodeProfile) -> None:
    """Keeps the profile of a run; those of runs of which no version is left go."""
    state.store.put(_key(state, fence), profile.model_dump_json(by_alias=True).encode())
    needed = {_key(state, version.fence) for version in state.versions.list_versions()} | {_key(state, fence)}
    for key in state.store.list(f"{state.environment}/{_FOLDER}/"):
        if key not in needed:
            state.store.delete(key)


def digest_profile(profile: LinodeProfile) -> str:
    """The SHA-256 of all that a profile says."""
    content = json.dumps(profile.model_dump(mode="json", by_alias=True), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def get_profile(state: RemoteState, version: Version) -> LinodeProfile:
    """The profile by which a version came about. Raises NotFound."""
    from aias_core.environments.schema import LinodeProfile

    content = state.store.get(_key(state, version.fence))
    if content is None:
        raise NotFound(
            f"The profile by which the version '{version.name}' came about is not known",
            hint=f"choose a version that a run of 'aias env up' wrote: aias env state list {state.environment}",
        )
    return LinodeProfile.model_validate_json(content)


def _key(state: RemoteState, fence: int) -> str:
    return f"{state.environment}/{_FOLDER}/{fence:06}.json"

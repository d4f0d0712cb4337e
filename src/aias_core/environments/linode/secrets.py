"""The secrets that a profile declares, with the names of its namespaces and the consumers that it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.components import load_registry
from aias_core.environments.linode.profile import load_linode_profile
from aias_core.environments.rules.components import list_enabled
from aias_core.secrets.declared import DeclaredSecret, Secrets

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile, SecretDeclaration


def open_secrets(name: str, state_root: Path, own: Path | None) -> Secrets:
    """The secrets of an environment on Linode. Raises NotFound, InvalidInput, Refused for another target."""
    return declare_secrets(load_linode_profile(name, own), Path(state_root).absolute() / name)


def declare_secrets(profile: LinodeProfile, directory: Path) -> Secrets:
    """The secrets of the environment with that profile and directory."""
    enabled = set(list_enabled(profile, load_registry()))
    declared = {secret: _declare(secret, entry, profile, enabled) for secret, entry in profile.secrets.items()}
    return Secrets(profile.name, directory, declared)


def _declare(name: str, entry: SecretDeclaration, profile: LinodeProfile, enabled: set[str]) -> DeclaredSecret:
    return DeclaredSecret(
        name=name,
        owner=entry.owner,
        purpose=entry.purpose,
        source=entry.source,
        rotation_days=entry.rotation_days,
        generator=entry.generator,
        consumers=tuple(consumer for consumer in entry.consumers if consumer in enabled),
        namespaces=tuple(
            profile.namespaces[role].name if role in profile.namespaces else role for role in entry.namespaces
        ),
        kind=entry.kind,
    )

"""The keys of personal data of an environment: from variables, else its own secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.databases import has_named_servers
from aias_core.errors import InvalidSettings
from aias_core.protection.data_keys import ACTIVE, ENCRYPTION, HASHING, DataKeys
from aias_core.secret import Secret
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.environments.local.credentials import Credentials
    from aias_core.environments.local.target import LocalEnvironment

OWN_ACTIVE = "api_key:k1,email:e1,encryption:c1"


def find_data_keys(environment: LocalEnvironment) -> DataKeys:
    """The keys that `AIAS_DATA_…` name, each also as `…_FILE`, else those of the environment.

    Raises EnvironmentNotUp where there are neither, InvalidSettings, WeakKey, UnknownKey.
    """
    hashing, encryption = _find_setting(HASHING), _find_setting(ENCRYPTION)
    active = find_variable(ACTIVE)
    if hashing and encryption:
        return DataKeys.parse(hashing, encryption, active or "")
    own = open_credentials(environment)
    own_hashing = Secret(f"{own.data_hash_keys.reveal()},{own.data_email_keys.reveal()}")
    return DataKeys.parse(hashing or own_hashing, encryption or own.data_encryption_keys, active or OWN_ACTIVE)


def open_credentials(environment: LocalEnvironment) -> Credentials:
    """The secrets of an environment, those that are missing made. Raises EnvironmentNotUp when it has no directory."""
    from aias_core.environments.local.credentials import Credentials

    if has_named_servers():
        environment.state.ensure()
    elif not environment.state.exists():
        raise environment.not_up()
    credentials = Credentials(environment.state.secrets)
    credentials.ensure()
    return credentials


def _find_setting(variable: str) -> Secret | None:
    text, path = find_variable(variable), find_variable(f"{variable}_FILE")
    if path is None:
        return Secret(text) if text else None
    try:
        return Secret(Path(path).read_text(encoding="utf-8").strip().replace("\n", ","))
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidSettings(f"{variable}_FILE: '{path}' cannot be read") from exc

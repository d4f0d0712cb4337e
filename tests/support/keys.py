"""Fresh keys of personal data for tests."""

from __future__ import annotations

import base64
import secrets

from aias_core.protection.data_keys import ACTIVE as ACTIVE_KIDS
from aias_core.protection.data_keys import ENCRYPTION, HASHING, DataKeys
from aias_core.secret import Secret

ACTIVE = "api_key:k1,email:e1,encryption:c1"


def make_key(kid: str) -> str:
    return f"{kid}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def make_setting(*kids: str) -> Secret:
    return Secret(",".join(map(make_key, kids)))


def make_data_keys(*more_hashing: str) -> DataKeys:
    """Keys for each purpose, and further hashing keys by name."""
    return DataKeys.parse(make_setting("k1", "e1", *more_hashing), make_setting("c1"), ACTIVE)


def make_variables(keys: DataKeys) -> dict[str, str]:
    """The variables that hand these keys to a command."""
    texts = [
        ",".join(f"{kid}:{base64.b64encode(key).decode()}" for kid, key in ring.by_id.items())
        for ring in (keys.hashing, keys.encryption)
    ]
    active = ",".join(f"{purpose}:{kid}" for purpose, kid in keys.active.items())
    return dict(zip((HASHING, ENCRYPTION, ACTIVE_KIDS), (*texts, active), strict=True))

"""Fresh keys of personal data for tests."""

from __future__ import annotations

import base64
import secrets
import uuid

import psycopg

from aias_core import ids
from aias_core.protection.data_keys import ACTIVE as ACTIVE_KIDS
from aias_core.protection.data_keys import ENCRYPTION, HASHING, DataKeys, hash_for_all_keys
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


def enter_person(connection: psycopg.Connection, keys: DataKeys, email: str) -> uuid.UUID:
    """Enters a person as a service does, as 'aias_identity'. Raises UniqueViolation when the address is there."""
    user_id = ids.new_id()
    with connection.transaction():
        digests = hash_for_all_keys(connection, keys, email)
        kid, sealed = keys.seal_email(email, user_id)
        connection.execute(
            "INSERT INTO aias.users (user_id, email_ciphertext, email_enc_kid) VALUES (%s, %s, %s)",
            [user_id, sealed, kid],
        )
        for hash_kid, digest in digests.items():
            connection.execute(
                "INSERT INTO aias.user_email_hashes (kid, email_hash, user_id) VALUES (%s, %s, %s)",
                [hash_kid, digest, user_id],
            )
    return user_id

"""Passwords of people: Argon2id (RFC 9106), its parameters kept in the text."""

from __future__ import annotations

import os

from aias_core.secret import Secret

MEMORY_KIB, ITERATIONS, LANES = 19_456, 2, 1  # the first choice of OWASP's password storage cheat sheet
SALT_BYTES, DIGEST_BYTES = 16, 32


def hash_password(password: Secret) -> str:
    """What is stored of a password: `$argon2id$…` with a fresh salt."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(
        salt=os.urandom(SALT_BYTES), length=DIGEST_BYTES, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB
    )
    encoded: str = kdf.derive_phc_encoded(password.reveal().encode())
    return encoded


def is_password(password: Secret, stored: str) -> bool:
    """Whether a stored hash is of this password, in constant time."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password.reveal().encode(), stored)
    except InvalidKey:
        return False
    return True

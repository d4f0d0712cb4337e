"""New values, from the system's generator."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

from aias_core.errors import InvalidInput
from aias_core.secret import Secret, random_base62

KEYRING = "keyring"
_GENERATORS: dict[str, Callable[[], str]] = {
    "password": lambda: random_base62(32),
    "hex32": lambda: secrets.token_hex(32),
    "ed25519": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),  # the seed, RFC 8032 section 5.1.5
    KEYRING: lambda: f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",  # as `Keyring.parse` reads it
}


def generate(generator: str) -> Secret:
    """A new value. Raises InvalidInput for a generator that there is not."""
    if generator not in _GENERATORS:
        raise InvalidInput(f"There is no generator '{generator}'", hint=f"known are: {', '.join(_GENERATORS)}")
    return Secret(_GENERATORS[generator]())

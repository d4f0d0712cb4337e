"""The text of an API key and what is stored of it.

`sk-aias-<e>-<secret><check>`: `<e>` is the letter of the environment, the secret 43 base-62 characters (256 bits), the
check 6 base-62 characters of the CRC-32 of everything before it. Only an HMAC-SHA-256 under a named key is stored: a
slow hash of a random secret would add cost and no safety.
"""

from __future__ import annotations

import hmac
import re
import zlib

from aias_core.errors import InvalidInput
from aias_core.keyring import Keyring
from aias_core.secret import Secret, random_base62, to_base62

_FORM = re.compile(r"sk-aias-([ldspy])-[0-9A-Za-z]{49}")
_LETTERS = {"development": "d", "staging": "s", "production": "p", "system": "y"}
PREFIX_LENGTH = 16


class MalformedKey(InvalidInput):
    """The API key is malformed"""


def letter_of(environment: str) -> str:
    """The letter in the keys of an environment; every environment that runs on one machine has `l`."""
    return _LETTERS.get(environment, "l")


def generate_key(environment: str) -> Secret:
    """A fresh API key from the system's random generator."""
    body = f"sk-aias-{letter_of(environment)}-{random_base62(43)}"
    return Secret(body + _check(body))


def check_form(text: str, environment: str) -> None:
    """Raises MalformedKey when form, checksum or environment letter are wrong. Needs no look-up."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise MalformedKey("The API key does not have the form sk-aias-…")
    if not hmac.compare_digest(_check(text[:-6]), text[-6:]):
        raise MalformedKey("The API key has a typing fault: its checksum does not match")
    if match[1] != letter_of(environment):
        raise MalformedKey("The API key belongs to another environment")


def _check(body: str) -> str:
    return to_base62(zlib.crc32(body.encode()), 6)


class HashKeys(Keyring):
    """The keys that API keys are hashed under, by id; the first one is used for new keys."""

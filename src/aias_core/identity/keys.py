"""The text of an API key and what is stored of it.

`sk-aias-<e>-<secret><check>`: `<e>` is the letter of the environment, the secret 43 base-62 characters (256 bits), the
check 6 base-62 characters of the CRC-32 of everything before it. Only an HMAC-SHA-256 under a named key is stored: a
slow hash of a random secret would add cost and no safety.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass

from aias_core.errors import InvalidInput, InvalidSettings
from aias_core.secret import Secret, random_base62, to_base62

_FORM = re.compile(r"sk-aias-([ldspy])-[0-9A-Za-z]{49}")
_LETTERS = {"development": "d", "staging": "s", "production": "p", "system": "y"}
HASH_KEY_BYTES = 32
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


@dataclass(frozen=True, slots=True)
class HashKeys:
    """The keys that API keys are hashed under, by id; the first one is used for new keys."""

    by_id: dict[str, bytes]

    @classmethod
    def parse(cls, setting: Secret) -> HashKeys:
        """Reads `kid:base64,kid:base64`. Raises InvalidSettings for a key that is not base64 or under 32 bytes."""
        by_id = {}
        for entry in setting.reveal().split(","):
            kid, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error as exc:
                raise InvalidSettings(f"AIAS_DATA_HASH_KEYS: the key '{kid}' is not base64") from exc
            if len(key) < HASH_KEY_BYTES or len(set(key)) < HASH_KEY_BYTES // 4:
                raise InvalidSettings(
                    f"AIAS_DATA_HASH_KEYS: the key '{kid}' is too weak, {HASH_KEY_BYTES} random bytes"
                )
            by_id[kid] = key
        return cls(by_id)

    @property
    def active_kid(self) -> str:
        return next(iter(self.by_id))

    def digest(self, text: str, kid: str) -> bytes:
        """HMAC-SHA-256 of the whole key text under one key, 32 bytes."""
        return hmac.digest(self.by_id[kid], text.encode(), hashlib.sha256)

    def digests(self, text: str) -> dict[str, bytes]:
        """The digest under every live key: what a look-up asks for."""
        return {kid: self.digest(text, kid) for kid in self.by_id}

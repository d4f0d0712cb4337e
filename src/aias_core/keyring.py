"""Named keys of 32 bytes, and the two things done with them: keyed digests and authenticated encryption.

A setting is `kid:base64,kid:base64`. A key that somebody could guess is refused by its name; its value is never shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from aias_core.errors import AiasError, InvalidSettings, PrerequisiteMissing, Refused
from aias_core.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
_LEAST_DISTINCT_BYTES = 20  # of 32 random bytes 30 differ on average; under 20 do once in 10^10 keys
_LEAST_DISTINCT_STEPS = 16
_SAMPLE_WORDS = ("", "aias", "abc", "admin", "changeme", "hello world", "key", "password", "secret", "test")
_SAMPLES = frozenset(
    {
        bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),  # NIST SP 800-38A, F.1.5
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),  # RFC 8032, test 1
        *(hashlib.sha256(word.encode()).digest() for word in _SAMPLE_WORDS),
    }
)

_KID = re.compile(r"[A-Za-z0-9._-]{1,40}")
_FORM = "write it as KID:BASE64, several with commas"

AnyKeyring = TypeVar("AnyKeyring", bound="Keyring")


class WeakKey(Refused):
    """A key can be guessed"""

    code = "weak_key"


class UnknownKey(PrerequisiteMissing):
    """A key that is needed is not among those given"""

    code = "unknown_key"


class Undecipherable(AiasError):
    """A value does not decrypt: it was altered or moved, or the key is another"""

    code = "undecipherable"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id; the first one is used for what is new, unless the caller names another."""

    by_id: Mapping[str, bytes]

    @classmethod
    def parse(cls: type[AnyKeyring], setting: Secret, variable: str = "AIAS_DATA_HASH_KEYS") -> AnyKeyring:
        """Reads `kid:base64,kid:base64`. Raises InvalidSettings for another form, WeakKey naming the first weak key."""
        by_id: dict[str, bytes] = {}
        entries = filter(None, map(str.strip, setting.reveal().split(",")))
        for number, entry in enumerate(entries, start=1):
            kid, colon, encoded = entry.partition(":")
            if not (colon and _KID.fullmatch(kid)):  # what stands there may be the key itself, so it is not shown
                raise InvalidSettings(f"{variable}: entry {number} has no name before its key", hint=_FORM)
            if kid in by_id:
                raise InvalidSettings(f"{variable} names the key '{kid}' twice", hint="give each key a name of its own")
            try:
                by_id[kid] = base64.b64decode(encoded, validate=True)
            except binascii.Error as exc:
                raise InvalidSettings(f"{variable}: the key '{kid}' is not base64") from exc
            if fault := find_weakness(by_id[kid]):
                raise WeakKey(
                    f"{variable}: the key '{kid}' {fault}", hint=f"make one: openssl rand -base64 {KEY_BYTES}"
                )
        if not by_id:
            raise InvalidSettings(f"{variable} names no key", hint=_FORM)
        return cls(by_id)

    @property
    def active_kid(self) -> str:
        return next(iter(self.by_id))

    def get(self, kid: str) -> bytes:
        """The key of an id. Raises UnknownKey."""
        if kid not in self.by_id:
            raise UnknownKey(f"The key '{kid}' is not among those given", hint="compare them: aias db hash check-keys")
        return self.by_id[kid]

    def digest(self, text: str, kid: str) -> bytes:
        """HMAC-SHA-256 of the text under one key, 32 bytes."""
        return hmac.digest(self.get(kid), text.encode(), hashlib.sha256)

    def digests(self, text: str) -> dict[str, bytes]:
        """The digest under every live key: what a look-up asks for."""
        return {kid: self.digest(text, kid) for kid in self.by_id}

    def fingerprint(self, kid: str) -> bytes:
        """What tells a key from another without telling the key, 32 bytes."""
        return self.digest(f"fingerprint of {kid}", kid)

    def seal(self, text: str, kid: str, owner: bytes) -> bytes:
        """AES-256-GCM: nonce, ciphertext, tag. `owner` is the id of the row it belongs to, and no other."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.get(kid)).encrypt(nonce, text.encode(), owner)

    def unseal(self, sealed: bytes, kid: str, owner: bytes) -> str:
        """The text that was sealed for a row. Raises Undecipherable, UnknownKey."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            text = AESGCM(self.get(kid)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner)
        except (InvalidTag, ValueError) as exc:
            raise Undecipherable(
                f"A value sealed under the key '{kid}' does not decrypt", hint="compare: aias db hash check-keys"
            ) from exc
        return text.decode()


def find_weakness(key: bytes) -> str | None:
    """Why a key could be guessed, as the end of a sentence; None for one that looks random."""
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(key) < KEY_BYTES:
        return f"is shorter than {KEY_BYTES} bytes"
    if len(key) > KEY_BYTES:
        return f"is longer than {KEY_BYTES} bytes"
    if key in _SAMPLES:
        return "is a published sample"
    if len(set(key)) < _LEAST_DISTINCT_BYTES or len(steps) < _LEAST_DISTINCT_STEPS:
        return "repeats itself or counts"
    if all(32 <= byte < 127 for byte in key):
        return "is readable text"
    return None

"""The proof of an erasure: counts before and after under an Ed25519 signature (RFC 8032), and nothing personal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core.errors import DifferenceFound, InvalidInput
from aias_core.files import whole_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from aias_core.secret import Secret

SCHEMA = "aias.erasure.certificate/1"


@dataclass(frozen=True, slots=True)
class Signer:
    """The key of an environment, from its 32 secret bytes in base64."""

    secret: Secret

    @property
    def public_key(self) -> str:
        """The public half, as OpenSSH writes it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._private().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def sign(self, content: dict[str, Any]) -> dict[str, Any]:
        """The certificate: the content with its schema, the public key and the signature over all of it."""
        certificate = {"schema": SCHEMA, **content, "key": self.public_key}
        return {**certificate, "signature": base64.b64encode(self._private().sign(encode(certificate))).decode()}

    def pseudonym(self, ticket: str, identifier: UUID) -> UUID:
        """The id under which what must be kept is kept: one for each ticket, meaningless without the key."""
        digest = hmac.digest(self._bytes(), f"pseudonym|{ticket}|{identifier}".encode(), "sha256")
        return UUID(bytes=digest[:16], version=4)

    def _bytes(self) -> bytes:
        return base64.b64decode(self.secret.reveal())

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._bytes())


def encode(certificate: dict[str, Any]) -> bytes:
    """What is signed: everything but the signature, as JSON with sorted keys."""
    content = {key: value for key, value in certificate.items() if key != "signature"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hash_name(name: str) -> str:
    """The SHA-256 of a name that may itself be personal."""
    return hashlib.sha256(name.encode()).hexdigest()


def write_certificate(certificate: dict[str, Any], path: Path) -> None:
    """Writes a certificate whole or not at all."""
    with whole_file(path, mode=0o644) as file:
        file.write(json.dumps(certificate, indent=1, ensure_ascii=False, sort_keys=True).encode() + b"\n")


def read_certificate(path: Path, public_key: str) -> dict[str, Any]:
    """A certificate from its file, when the key of that environment has signed it.

    Raises InvalidInput for a file that is none, DifferenceFound for one that was altered or that another key signed.
    """
    try:
        certificate = json.loads(path.read_bytes())
        if certificate["schema"] != SCHEMA:
            raise ValueError
        signature, key = base64.b64decode(certificate["signature"]), str(certificate["key"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InvalidInput(f"'{path}' is not a certificate of erasure", hint="one is made by: aias db erase") from exc
    if key.split()[:2] != public_key.split()[:2]:
        raise DifferenceFound(f"'{path}' is signed by another key", hint="name the right public key with --key FILE")
    if not _is_signed(certificate, signature, public_key):
        raise DifferenceFound(f"'{path}' was altered: its signature is not that of its content")
    result: dict[str, Any] = certificate
    return result


def read_public_key(path: Path) -> str:
    """A public key as OpenSSH writes it. Raises InvalidInput when the file has none."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"The key '{path}' cannot be read") from exc
    if not text.startswith("ssh-ed25519 "):
        raise InvalidInput(f"'{path}' is not a public key", hint="the 'key' of a certificate is one: ssh-ed25519 …")
    return text


def _is_signed(certificate: dict[str, Any], signature: bytes, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        public = load_ssh_public_key(public_key.encode())
        if not isinstance(public, Ed25519PublicKey):
            return False
        public.verify(signature, encode(certificate))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True

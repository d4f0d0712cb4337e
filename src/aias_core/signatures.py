"""Signatures with the OpenSSH keys that people have: Ed25519, RFC 8032."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.errors import PrerequisiteMissing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def sign(message: bytes, key: Path) -> str:
    """The signature of a message as base64. Raises PrerequisiteMissing for a key that is none or has a passphrase."""
    return base64.b64encode(_load_key(key).sign(message)).decode()


def is_signed(message: bytes, signature: str, public_line: str | None) -> bool:
    """Whether a signature is that of a message by the owner of a public key, `ssh-ed25519 …`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    if public_line is None:
        return False
    try:
        public = load_ssh_public_key(public_line.encode())
        if not isinstance(public, Ed25519PublicKey):
            return False
        public.verify(base64.b64decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _load_key(key: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        private = load_ssh_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        raise PrerequisiteMissing(
            f"The key '{key}' cannot be read: it must be an OpenSSH key without passphrase",
            hint="make one with: ssh-keygen -t ed25519 -N '' -f KEY",
        ) from exc
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise PrerequisiteMissing(f"The key '{key}' is not an Ed25519 key", hint="make one with: ssh-keygen -t ed25519")
    return private

"""The controller's side of sealed-secrets, written from its published algorithm and apart from what seals."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

HASH_BYTES = 32
TAG_BYTES = 16


@cache
def make_key(number: int = 0) -> rsa.RSAPrivateKey:
    """A controller's key; another one for each number."""
    return rsa.generate_private_key(65537, 2048)


def make_certificate(key: rsa.RSAPrivateKey, days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sealed-secret")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def unseal(sealed: str, key: rsa.RSAPrivateKey, label: str) -> bytes:
    """What was sealed. Raises ValueError for another key or label, or an altered value."""
    data = base64.b64decode(sealed, validate=True)
    length = data[0] * 256 + data[1]
    session = _unwrap(data[2 : 2 + length], key, label.encode())
    body, tag = data[2 + length : -TAG_BYTES], data[-TAG_BYTES:]
    opening = Cipher(algorithms.AES256(session), modes.GCM(bytes(12), tag)).decryptor()
    return opening.update(body) + opening.finalize()


def open_manifest(manifest: dict[str, Any], key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The values of a SealedSecret, the label as the controller takes it from its annotations."""
    metadata = manifest["metadata"]
    noted = metadata.get("annotations", {})
    label = f"{metadata['namespace']}/{metadata['name']}"
    if noted.get("sealedsecrets.bitnami.com/namespace-wide") == "true":
        label = metadata["namespace"]
    if noted.get("sealedsecrets.bitnami.com/cluster-wide") == "true":
        label = ""
    return {name: unseal(text, key, label).decode() for name, text in manifest["spec"]["encryptedData"].items()}


def _unwrap(wrapped: bytes, key: rsa.RSAPrivateKey, label: bytes) -> bytes:
    """RSA-OAEP of RFC 8017, section 7.1.2, by its formulas."""
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    power = int.from_bytes(wrapped, "big") % modulus
    one, two = pow(power, numbers.dmp1, numbers.p), pow(power, numbers.dmq1, numbers.q)
    encoded = (two + numbers.q * ((one - two) * numbers.iqmp % numbers.p)).to_bytes(size, "big")
    first, masked_seed, masked_block = encoded[0], encoded[1 : 1 + HASH_BYTES], encoded[1 + HASH_BYTES :]
    seed = _xor(masked_seed, _mask(masked_block, HASH_BYTES))
    block = _xor(masked_block, _mask(seed, len(masked_block)))
    label_hash, rest = block[:HASH_BYTES], block[HASH_BYTES:].lstrip(b"\0")
    if first != 0 or label_hash != hashlib.sha256(label).digest() or rest[:1] != b"\1":
        raise ValueError("the key does not unwrap")
    return rest[1:]


def _mask(seed: bytes, length: int) -> bytes:
    blocks = (hashlib.sha256(seed + count.to_bytes(4, "big")).digest() for count in range(length // HASH_BYTES + 1))
    return b"".join(blocks)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))

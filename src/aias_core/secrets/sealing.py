"""Values sealed for the sealed-secrets controller, which alone can open them.

The format is that of https://github.com/bitnami-labs/sealed-secrets (`pkg/crypto`): a fresh 32-byte key encrypts the
value with AES-256-GCM under a zero nonce, as it is used once; RSA-OAEP with SHA-256 wraps the key, its label ties it to
its place.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEY_BYTES = 32
NONCE = bytes(12)
GROUP = "sealedsecrets.bitnami.com"
_PLACEHOLDERS = re.compile(
    r"(?i)(change[-_ ]?(me|it|this)|replace[-_ ]?(me|this)|place[-_ ]?holder|fix[-_ ]?me|to[-_ ]?do|tbd|dummy|example"
    r"|sample|default|none|null|nil|secret|password|passw0rd|token|test|your[-_ ].*|my[-_ ]?(secret|password|token)"
    r"|<+[^<>]*>+|\$\{[^{}]*\}|\$?\{\{(?s:.*)\}\}|\{[\w .-]*\}|\[+[\w .-]*\]+|\$\([^()]*\)|(?-i:%[A-Z][A-Z0-9_]*%)"
    r"|(?P<one>.)(?P=one)*|12345\d*|secret://.*)"
)


class Scope(StrEnum):
    """Where a sealed value opens: for one name in one namespace, for a namespace, or in the whole cluster."""

    STRICT = "strict"
    NAMESPACE = "namespace"
    CLUSTER = "cluster"


_ANNOTATIONS = {
    Scope.STRICT: {},
    Scope.NAMESPACE: {f"{GROUP}/namespace-wide": "true"},
    Scope.CLUSTER: {f"{GROUP}/cluster-wide": "true"},
}


def build_label(namespace: str, name: str, scope: Scope = Scope.STRICT) -> bytes:
    """What a sealed value is tied to."""
    match scope:
        case Scope.STRICT:
            return f"{namespace}/{name}".encode()
        case Scope.NAMESPACE:
            return namespace.encode()
        case Scope.CLUSTER:
            return b""


def find_scope(annotations: Mapping[str, str]) -> Scope:
    """The scope that a manifest's annotations name, as the controller reads them."""
    for scope in (Scope.CLUSTER, Scope.NAMESPACE):
        if all(annotations.get(key) == value for key, value in _ANNOTATIONS[scope].items()):
            return scope
    return Scope.STRICT


def seal_value(value: Secret, certificate: bytes, label: bytes) -> str:
    """A sealed value in base64: length of the wrapped key as two bytes, wrapped key, ciphertext with its tag.

    Raises Refused for an expired certificate, InvalidInput for what is no RSA certificate in PEM.
    """
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256

    key = os.urandom(KEY_BYTES)
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), label)
    wrapped = _load_public_key(certificate).encrypt(key, oaep)
    ciphertext = AESGCM(key).encrypt(NONCE, value.reveal().encode(), None)
    return base64.b64encode(len(wrapped).to_bytes(2, "big") + wrapped + ciphertext).decode()


def build_sealed_secret(
    namespace: str,
    name: str,
    values: Mapping[str, Secret],
    certificate: bytes,
    *,
    scope: Scope = Scope.STRICT,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The manifest of a SealedSecret, of which the controller makes the Secret of that name. Raises as `seal_value`."""
    label = build_label(namespace, name, scope)
    place = {"name": name, "namespace": namespace}
    noted = {**_ANNOTATIONS[scope], **(annotations or {})}
    metadata = {**place, "annotations": noted} if noted else place
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": metadata,
        "spec": {
            "encryptedData": {key: seal_value(value, certificate, label) for key, value in sorted(values.items())},
            "template": {"metadata": metadata, "type": "Opaque"},
        },
    }


def read_certificate(path: Path) -> bytes:
    """The bytes of a certificate's file. Raises NotFound."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise NotFound(f"'{path}' cannot be read: {exc.strerror}", hint="get it: kubeseal --fetch-cert") from exc


def refuse_placeholder(name: str, value: Secret, hint: str) -> None:
    """Raises Refused for a value that stands for one that somebody forgot to write."""
    if not (text := value.reveal().strip()) or _PLACEHOLDERS.fullmatch(text):
        raise Refused(f"The value of '{name}' is a placeholder", hint=hint)


def _load_public_key(certificate: bytes) -> RSAPublicKey:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        loaded = x509.load_pem_x509_certificate(certificate)
    except ValueError as exc:
        raise InvalidInput(
            "The controller's certificate is no certificate in PEM", hint="get it: kubeseal --fetch-cert"
        ) from exc
    if loaded.not_valid_after_utc <= clock.now():
        raise Refused(
            f"The controller's certificate expired at {clock.format_second(loaded.not_valid_after_utc)}",
            hint="get the present one: kubeseal --fetch-cert",
        )
    key = loaded.public_key()
    if not isinstance(key, RSAPublicKey):
        raise InvalidInput("The controller's certificate holds no RSA key", hint="get it: kubeseal --fetch-cert")
    return key

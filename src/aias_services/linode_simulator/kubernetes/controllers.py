"""What works inside a cluster: the sealed-secrets controller, and the one that replaces pods of workloads.

The sealed-secrets controller is there as soon as its namespace is. Its key and its answers are those of the real one
(https://github.com/bitnami-labs/sealed-secrets, `pkg/crypto` and `pkg/controller`). A workload's pods are replaced at
once, unless the workload is paused.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aias_core import clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from aias_services.linode_simulator.kubernetes.kinds import Kind
    from aias_services.linode_simulator.kubernetes.objects import Document, Objects

NAMESPACE, KEY_LABEL = "sealed-secrets", "sealedsecrets.bitnami.com/sealed-secrets-key"
KEY_DAYS = 3650
WORKLOADS = ("Deployment", "StatefulSet")


def react(objects: Objects, kind: Kind, document: Document) -> None:
    """Does what a controller does when an object was made or changed."""
    if kind.name == "Namespace" and document["metadata"]["name"] == NAMESPACE:
        objects.put("secrets", NAMESPACE, _make_key())
    elif kind.name == "SealedSecret":
        _unseal(objects, document)
    elif kind.name in WORKLOADS:
        _roll_out(document)


def _roll_out(document: Document) -> None:
    spec, before = document["spec"], document.get("status") or {}
    wanted = spec.get("replicas", 1)
    updated = 0 if spec.get("paused") else wanted
    counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas"), wanted)
    document["status"] = {
        **before,
        **counts,
        "observedGeneration": document["metadata"]["generation"],
        "updatedReplicas": updated,
    }


def _make_key() -> Document:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    nobody, now = x509.Name([]), clock.now()
    builder = x509.CertificateBuilder(nobody, nobody, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=KEY_DAYS))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "sealed-secrets-key", "labels": {KEY_LABEL: "active"}},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(private).decode()},
    }


def _unseal(objects: Objects, document: Document) -> None:
    keys = [one for one in objects.list_named("secrets", NAMESPACE) if KEY_LABEL in one["metadata"].get("labels", {})]
    if not keys:
        return
    metadata, spec = document["metadata"], document.get("spec", {})
    opened = _open_all([_load(key) for key in keys], spec.get("encryptedData", {}), _label(metadata))
    fault = "no key could decrypt secret" if opened is None else _find_stranger(objects, metadata)
    condition = {"type": "Synced", "status": "False" if fault else "True", "message": fault or ""}
    document["status"] = {"observedGeneration": metadata["generation"], "conditions": [condition]}
    if fault:
        return
    template = spec.get("template", {})
    place = {"name": metadata["name"], "namespace": metadata["namespace"]}
    owner = {"apiVersion": document["apiVersion"], "kind": document["kind"], "controller": True}
    owned = {"ownerReferences": [{**owner, "name": metadata["name"], "uid": metadata["uid"]}]}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": template.get("type", "Opaque"), "data": opened}
    noted = {**template.get("metadata", {}), **place, **owned}
    objects.put("secrets", metadata["namespace"], {**secret, "metadata": noted})


def _find_stranger(objects: Objects, sealed: dict[str, Any]) -> str | None:
    """Why the Secret may not be written: there is one that neither is of this sealed secret nor says so."""
    for secret in objects.list_named("secrets", sealed["namespace"]):
        metadata = secret["metadata"]
        is_managed = (metadata.get("annotations") or {}).get("sealedsecrets.bitnami.com/managed") == "true"
        is_owned = sealed["uid"] in (owner["uid"] for owner in metadata.get("ownerReferences", ()))
        if metadata["name"] == sealed["name"] and not (is_managed or is_owned):
            return f'failed update: Resource "{sealed["name"]}" already exists and is not managed by SealedSecret'
    return None


def _load(secret: Document) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(base64.b64decode(secret["data"]["tls.key"]), password=None)
    assert isinstance(key, RSAPrivateKey)  # noqa: S101
    return key


def _label(metadata: dict[str, Any]) -> bytes:
    noted = metadata.get("annotations") or {}
    if noted.get("sealedsecrets.bitnami.com/cluster-wide") == "true":
        return b""
    if noted.get("sealedsecrets.bitnami.com/namespace-wide") == "true":
        return str(metadata["namespace"]).encode()
    return f"{metadata['namespace']}/{metadata['name']}".encode()


def _open_all(keys: list[RSAPrivateKey], sealed: dict[str, str], label: bytes) -> dict[str, str] | None:
    opened = {name: _open(keys, base64.b64decode(text), label) for name, text in sealed.items()}
    return None if None in opened.values() else {name: text for name, text in opened.items() if text is not None}


def _open(keys: list[RSAPrivateKey], data: bytes, label: bytes) -> str | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256

    end = 2 + int.from_bytes(data[:2], "big")
    for key in keys:
        try:
            session = key.decrypt(data[2:end], padding.OAEP(padding.MGF1(SHA256()), SHA256(), label))
            return base64.b64encode(AESGCM(session).decrypt(bytes(12), data[end:], None)).decode()
        except (ValueError, InvalidTag):
            continue
    return None

"""The keys of the sealed-secrets controller: without them nothing that was sealed opens again, so they are kept.

The controller makes a new key every 30 days and keeps the old ones; a backup keeps every key that it ever saw.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.errors import AiasError, DifferenceFound, InvalidInput, NotFound, NothingRan
from aias_core.secret import Secret
from aias_core.secrets.cluster import Cluster
from aias_core.secrets.declared import IDENTITY, Secrets
from aias_core.secrets.encrypted import EncryptedFile
from aias_core.secrets.private import exclusive
from aias_core.secrets.sealing import NONCE, build_label, find_scope

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

FILE = "sealing-keys.age"


@dataclass(frozen=True, slots=True)
class Checked:
    """One sealed secret of a file, and whether every value of it opens with a key of the backup."""

    file: str
    secret: str
    opens: bool

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def find_backup(secrets: Secrets) -> EncryptedFile:
    """The backup of an environment's keys, encrypted for the identity of its secrets."""
    return EncryptedFile(secrets.directory / FILE, secrets.directory / IDENTITY)


def back_up_keys(secrets: Secrets, cluster: Cluster) -> list[str]:
    """As `add_keys`, of the environment's own cluster and by nobody else meanwhile. Raises LockHeld, Refused."""
    with exclusive(secrets.directory):
        cluster.check_environment(secrets.environment)
        return add_keys(secrets, cluster)


def add_keys(secrets: Secrets, cluster: Cluster) -> list[str]:
    """Adds the keys that the backup does not have; their names, none where it had them all."""
    backup = find_backup(secrets)
    added = []
    for name, key in cluster.list_private_keys().items():
        entry = backup.find(name)
        if entry is None or entry.value != key:
            backup.ensure_identity()
            backup.put(name, key)
            added.append(name)
    return added


def check_files(secrets: Secrets, files: Sequence[Path]) -> list[Checked]:
    """Opens every sealed secret of these files with the backup. Raises NotFound without a backup or a file."""
    backup = find_backup(secrets)
    keys = [_load(entry.value) for entry in backup.list_entries().values()]
    if not keys:
        raise NotFound(
            f"There is no backup of the controller's keys in '{backup.path}'",
            hint=f"make it: aias secrets keys backup {secrets.environment}",
        )
    return [
        Checked(str(file), f"{sealed['metadata']['namespace']}/{sealed['metadata']['name']}", _opens(sealed, keys))
        for file in files
        for sealed in _read_sealed(file)
    ]


def find_unopened(checked: Sequence[Checked]) -> AiasError | None:
    """The error for sealed secrets that no key opens, or that there was none; None when all do."""
    if not checked:
        return NothingRan("There is no sealed secret in these files", hint="name files of sealed secrets")
    lost = [one.secret for one in checked if not one.opens]
    if not lost:
        return None
    return DifferenceFound(
        f"Sealed secrets that no key of the backup opens: {', '.join(lost)}",
        hint="back the present keys up, or seal them anew: aias secrets rotate ENV --sealing-key",
    )


def _read_sealed(file: Path) -> list[dict[str, Any]]:
    import yaml

    try:
        documents = [*yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    except OSError as exc:
        raise NotFound(f"'{file}' cannot be read: {exc.strerror}", hint="name files of sealed secrets") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"'{file}' is no YAML", hint="name files of sealed secrets") from exc
    sealed = [one for one in documents if isinstance(one, dict) and one.get("kind") == "SealedSecret"]
    if not all(_has_place(one) for one in sealed):
        raise InvalidInput(
            f"A sealed secret in '{file}' has no name or no namespace", hint="write both into its metadata"
        )
    return sealed


def _has_place(sealed: dict[str, Any]) -> bool:
    metadata = sealed.get("metadata")
    return isinstance(metadata, dict) and {"name", "namespace"} <= metadata.keys()


def _opens(sealed: dict[str, Any], keys: Sequence[RSAPrivateKey]) -> bool:
    metadata = sealed["metadata"]
    label = build_label(metadata["namespace"], metadata["name"], find_scope(metadata.get("annotations") or {}))
    values = (sealed.get("spec") or {}).get("encryptedData") or {}
    return bool(values) and all(any(_is_opened(text, key, label) for key in keys) for text in values.values())


def _is_opened(text: str, key: RSAPrivateKey, label: bytes) -> bool:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        data = base64.b64decode(text, validate=True)
        end = 2 + int.from_bytes(data[:2], "big")
        session = key.decrypt(data[2:end], padding.OAEP(padding.MGF1(SHA256()), SHA256(), label))
        AESGCM(session).decrypt(NONCE, data[end:], None)
    except (ValueError, InvalidTag, binascii.Error):
        return False
    return True


def _load(key: Secret) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        loaded = load_pem_private_key(key.reveal().encode(), password=None)
    except ValueError:
        loaded = None
    if not isinstance(loaded, RSAPrivateKey):
        raise InvalidInput(
            "The backup holds something that is no RSA key", hint="keep a file of its own for these keys"
        )
    return loaded

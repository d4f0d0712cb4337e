"""The manifest of a backup: what it holds, where in time it stands, and that nobody changed it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from aias_core import clock
from aias_core.backup.cipher import derive_key
from aias_core.backup.rows import Contents
from aias_core.backup.stores import Piece, Store
from aias_core.backup.tombstones import Tombstone
from aias_core.errors import AiasError, DifferenceFound, NotFound

SCHEMA = "aias.backup/1"
PHYSICAL, LOGICAL = "physical", "logical"


@dataclass(frozen=True, slots=True)
class LogRange:
    """The write-ahead log that a physical backup needs, and the position at which its contents were read.

    `exact` says whether the rows were counted at that very position; a server that never rests does not allow it.
    """

    system_id: str
    first: str
    last: str
    position: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup: `at` is the moment that it restores to, and a physical one every later moment of its archive."""

    id: str
    environment: str
    kind: str
    created_at: datetime
    at: datetime
    versions: Mapping[str, str]
    databases: Mapping[str, Contents]
    files: Sequence[Piece]
    log: LogRange | None = None
    tombstones: Sequence[Tombstone] = ()

    @property
    def bytes(self) -> int:
        return sum(piece.bytes for piece in self.files)

    def get_file(self, name: str) -> Piece:
        """The file of that name. Raises DifferenceFound when the backup has none."""
        for piece in self.files:
            if piece.name == name:
                return piece
        raise DifferenceFound(f"The backup '{self.id}' has no file '{name}'")

    def as_record(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "id": self.id,
            "environment": self.environment,
            "kind": self.kind,
            "created_at": clock.format_instant(self.created_at),
            "at": clock.format_instant(self.at),
            "versions": dict(self.versions),
            "log": None if self.log is None else asdict(self.log),
            "databases": {name: contents.as_record() for name, contents in self.databases.items()},
            "files": [asdict(piece) for piece in self.files],
            "tombstones": list(self.tombstones),
        }

    def holding(
        self, databases: Mapping[str, Contents], files: Sequence[Piece], log: LogRange | None = None
    ) -> Manifest:
        """The same with what the backup holds."""
        return replace(self, databases=databases, files=files, log=log)


def sign(manifest: Manifest, key: bytes) -> dict[str, Any]:
    """The record of a manifest with its HMAC-SHA-256."""
    record = manifest.as_record()
    return {**record, "mac": _compute_mac(record, key)}


def get_manifest(store: Store, backup: str, key: bytes) -> Manifest:
    """The manifest of a backup. Raises NotFound, or DifferenceFound when it was altered or the key is another."""
    record = store.read_manifest(backup)
    if record.get("schema") != SCHEMA:
        raise AiasError(f"The backup '{backup}' is of another version of aias: {record.get('schema')}")
    mac = record.pop("mac", "")
    if record.get("id") != backup or not hmac.compare_digest(str(mac), _compute_mac(record, key)):
        raise DifferenceFound(
            f"The manifest of the backup '{backup}' was altered, or the key is not the one it was made with",
            hint="name the file of the right key in AIAS_BACKUP_KEY_FILE",
        )
    return _parse(record)


def get_newest(store: Store, key: bytes) -> Manifest:
    """The newest backup. Raises NotFound when there is none."""
    backups = store.list_backups()
    if not backups:
        raise NotFound(f"There is no backup in '{store.url}'", hint="make one with: aias db backup create")
    return max((get_manifest(store, backup, key) for backup in backups), key=lambda manifest: manifest.at)


def _compute_mac(record: Mapping[str, Any], key: bytes) -> str:
    content = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(derive_key(key, b"", "manifest"), content, "sha256").hex()


def _parse(record: Mapping[str, Any]) -> Manifest:
    return Manifest(
        id=record["id"],
        environment=record["environment"],
        kind=record["kind"],
        created_at=clock.parse_instant(record["created_at"]),
        at=clock.parse_instant(record["at"]),
        versions=record["versions"],
        databases={name: Contents.of_record(contents) for name, contents in record["databases"].items()},
        files=[Piece(**piece) for piece in record["files"]],
        log=None if record["log"] is None else LogRange(**record["log"]),
        tombstones=record.get("tombstones", ()),
    )

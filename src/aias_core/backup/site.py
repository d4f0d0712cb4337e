"""What a backup is of: an environment's databases, its key, its archive, and the records of what was done."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aias_core.backup.cipher import read_key
from aias_core.backup.stores import Store, open_store
from aias_core.backup.tombstones import Prepare, Tombstone
from aias_core.backup.wal import Archive
from aias_core.errors import LockHeld, PrerequisiteMissing
from aias_core.files import whole_file
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret

DRILLS, CATALOG, RESTORES = "drills.json", "catalog.json", "restores.json"


def keep_as_is(_databases: Mapping[str, Secret], _tombstones: Sequence[Tombstone]) -> None:
    """Leaves restored databases as they are."""


@dataclass(frozen=True, slots=True)
class Site:
    """`dsns` by database, as a role that reads every row; `archives` is None where the server is not our own.

    `prepare` is done to restored databases before they may serve.
    """

    environment: str
    home: Path
    dsns: Mapping[str, Secret]
    key_file: Path
    archives: Path | None
    objects: ObjectStore | None = None
    prepare: Prepare = keep_as_is

    @property
    def key(self) -> bytes:
        """The backup key. Raises PrerequisiteMissing, InvalidInput."""
        try:
            return read_key(Secret(self.key_file.read_text(encoding="ascii")))
        except OSError as exc:
            raise PrerequisiteMissing(
                f"The backup key '{self.key_file}' cannot be read: {exc.strerror}",
                hint="name its file in AIAS_BACKUP_KEY_FILE",
            ) from exc

    def store(self, url: str | None) -> Store:
        """The backups at an address; those of the environment's own directory unless one is given."""
        return open_store(url or str(self.home / "full"), self.objects)

    def archive(self, system_id: str) -> Archive:
        """The archived write-ahead log of one cluster."""
        return Archive((self.archives or self.home / "wal") / system_id)

    def read_record(self, name: str) -> dict[str, Any]:
        return read_record(self.home, name)

    def write_record(self, name: str, content: Mapping[str, Any]) -> None:
        with whole_file(self.home / name) as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False).encode())

    @property
    def scratch(self) -> Path:
        return self.home / "scratch"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """No other backup or restore of the environment meanwhile; what a killed one left in scratch is removed.

        Raises LockHeld.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(descriptor)
            raise LockHeld(
                f"Another backup or restore of '{self.environment}' is at work", hint="wait until it has ended"
            ) from exc
        try:
            shutil.rmtree(self.scratch, ignore_errors=True)
            yield
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            os.close(descriptor)


def read_record(home: Path, name: str) -> dict[str, Any]:
    """A small record of what was done with the backups in a directory; empty when there is none."""
    try:
        content = json.loads((home / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

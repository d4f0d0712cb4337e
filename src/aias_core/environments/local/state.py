"""The directory of one environment: its parts, its small files, and the lock of who works on it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aias_core import clock
from aias_core.errors import LockHeld, PrerequisiteMissing
from aias_core.files import whole_file

_PARTS = ("pg", "nats", "objects", "spool", "logs", "run", "secrets", "backups")


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """`<state root>/<environment>`: everything that an environment keeps."""

    path: Path

    @property
    def pg(self) -> Path:
        return self.path / "pg"

    @property
    def nats(self) -> Path:
        return self.path / "nats"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    def exists(self) -> bool:
        """Whether the environment was ever brought up. Raises PrerequisiteMissing when it belongs to somebody else."""
        try:
            return self.run.is_dir()
        except PermissionError as exc:
            raise _unusable(self.path, exc) from exc

    def ensure(self) -> None:
        """Makes what is missing, for the owner only. Raises PrerequisiteMissing where nothing can be written."""
        ensure_root(self.path.parent)
        try:
            for directory in (self.path, *(self.path / part for part in _PARTS)):
                directory.mkdir(mode=0o700, exist_ok=True)
            if not os.access(self.run, os.W_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as exc:
            raise _unusable(self.path, exc) from exc

    def read_record(self, name: str) -> dict[str, Any]:
        """A small JSON file of `run/`; empty when it is not there or not whole."""
        try:
            content = json.loads((self.run / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write_record(self, name: str, content: Mapping[str, Any]) -> None:
        """Replaces a small JSON file of `run/` as a whole."""
        with whole_file(self.run / name) as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False).encode())

    def remove(self) -> None:
        """Forgets the environment. Raises PrerequisiteMissing for what cannot be deleted."""
        try:
            shutil.rmtree(self.path)
        except OSError as exc:
            raise PrerequisiteMissing(f"'{exc.filename}' cannot be deleted: {exc.strerror}") from exc

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else works on the environment meanwhile. Raises LockHeld naming pid and command of who does."""
        path = self.run / "lock"
        descriptor = self._lock(path)
        try:
            holder = {"pid": os.getpid(), "command": _own_command(), "since": clock.format_instant(clock.now())}
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
            yield
        finally:
            with suppress(OSError):
                os.truncate(descriptor, 0)
            os.close(descriptor)

    def _lock(self, path: Path) -> int:
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as exc:
                raise _unusable(self.path, exc) from exc
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                os.close(descriptor)
                raise self._held() from exc
            if _is_same_file(descriptor, path):
                return descriptor
            os.close(descriptor)

    def _held(self) -> LockHeld:
        holder = self.read_record("lock")
        who = f"'{holder.get('command')}' (pid {holder.get('pid')})" if holder else "Another command"
        return LockHeld(f"{who} is at work on the environment '{self.path.name}'", hint="wait until it has ended")


def ensure_root(root: Path) -> None:
    """Makes the directory of all environments, which git ignores. Raises PrerequisiteMissing."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / ".gitignore").exists():
            (root / ".gitignore").write_text("*\n", encoding="ascii")
    except OSError as exc:
        raise _unusable(root, exc) from exc


def _unusable(path: Path, exc: OSError) -> PrerequisiteMissing:
    return PrerequisiteMissing(
        f"The directory '{path}' cannot be written: {exc.strerror}", hint="choose another one with: --state-dir DIR"
    )


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _own_command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])

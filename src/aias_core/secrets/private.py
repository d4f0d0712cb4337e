"""The directory where an environment keeps what only its operator may read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aias_core.errors import LockHeld, PrerequisiteMissing
from aias_core.files import write_first

_LOCK = "secrets.lock"


def ensure_private(directory: Path) -> None:
    """Makes the directory, for the owner only and unseen by git. Raises PrerequisiteMissing."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise PrerequisiteMissing(
            f"The directory '{directory}' cannot be made: {exc.strerror}", hint="choose another: --state-dir DIR"
        ) from exc
    if not (directory / ".gitignore").exists():
        write_first(directory / ".gitignore", b"*\n")


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Nobody else on this machine changes the secrets kept there meanwhile. Raises LockHeld."""
    ensure_private(directory)
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise LockHeld(
            f"Another command changes the secrets of '{directory.name}'", hint="wait until it has ended"
        ) from exc

"""Files that are either whole or not there, and what YAML says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from aias_core.errors import Conflict, PrerequisiteMissing


def refuse_existing(*paths: Path) -> None:
    """Raises Conflict for the first file that is there."""
    for path in paths:
        if path.exists():
            raise Conflict(
                f"'{path}' exists", hint="choose another name, or replace it with --force where there is one"
            )


def load_yaml(text: str | bytes) -> Any:
    """What a YAML text holds, by libyaml where it is there: ten times as fast, and as safe. Raises YAMLError."""
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


@contextmanager
def whole_file(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A file to write, which appears under its name only when the block has ended well and the bytes are on disk.

    Raises PrerequisiteMissing when the directory cannot be written or the disk is full; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as exc:
        raise PrerequisiteMissing(
            f"'{path}' cannot be written: {exc.strerror}", hint="free some space or choose another directory"
        ) from exc
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_first(path: Path, content: bytes) -> None:
    """Writes a file whole unless it is there; of several writers at once the first wins and its content stays.

    Raises PrerequisiteMissing as `whole_file`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with whole_file(draft) as file:
        file.write(content)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()

"""The steps of a run: each says its number, what it took the last time, and what it took now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aias_core import clock
from aias_core.files import whole_file

Progress = Callable[[str], None]
UP = ("preflight", "lock", "infrastructure", "cluster access", "namespaces", "secrets", "health", "state backup")
ROLLBACK = ("preflight", "restore", *UP[1:], "drift")
DOWN = ("lock", "state backup", "workloads", "infrastructure", "proof")
_FILE = "durations.json"
WORTH_TELLING_SECONDS = 10.0


class Steps:
    """Numbers the steps of one command and remembers how long each took."""

    def __init__(self, directory: Path, command: str, names: tuple[str, ...], progress: Progress) -> None:
        self._file, self._command, self._names, self._progress = directory / _FILE, command, names, progress
        self._took = _read(self._file)
        self.times: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Progress]:
        """One step; what it gets says something below it."""
        began = clock.monotonic()
        number = f"Step {self._names.index(name) + 1}/{len(self._names)}"
        self._progress(f"{number}: {name}…{self._estimate(name)}")
        yield lambda text: self._progress(f"  {text}")
        took = clock.monotonic() - began
        self._took[self._key(name)] = self.times[name] = took
        self._progress(f"{number}: {name} done after {took:.1f} s")

    def save(self) -> None:
        """Keeps the times for the next run."""
        with whole_file(self._file) as file:
            file.write(json.dumps(self._took, indent=1).encode())

    def _estimate(self, name: str) -> str:
        before = self._took.get(self._key(name), 0.0)
        return f" it took {before:.0f} s the last time" if before > WORTH_TELLING_SECONDS else ""

    def _key(self, name: str) -> str:
        return f"{self._command} {name}"


def _read(file: Path) -> dict[str, float]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): float(value) for name, value in content.items()} if isinstance(content, dict) else {}

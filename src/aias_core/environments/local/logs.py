"""Reading the logs of components: merged by time, the newest lines first found, the oldest first shown."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aias_core import clock
from aias_core.environments.local.logfiles import KEPT_FILES, LineSplitter, numbered
from aias_core.errors import InvalidInput
from aias_core.secret import redact, to_json

LEVELS = ("debug", "info", "warning", "error", "critical")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BLOCK_BYTES = 64 * 1024
_FOLLOW_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are wanted; `tail` counts the newest ones, None means all."""

    tail: int | None = 100
    since: datetime | None = None
    level: str | None = None
    grep: re.Pattern[str] | None = None

    def admits(self, line: LogLine) -> bool:
        if self.since is not None and line.at < clock.format_instant(self.since):
            return False
        if self.level is not None and _rank(line.level) < _rank(self.level):
            return False
        return self.grep is None or self.grep.search(line.text) is not None


def build_filter(tail: int | None, since: str | None, level: str | None, grep: str | None) -> LogFilter:
    """A filter from what a user writes: `since` as `10m` or an RFC 3339 instant, `grep` a regular expression.

    Without `tail` and without `since` it is the newest 100 lines. Raises InvalidInput.
    """
    if level is not None and level not in LEVELS:
        raise InvalidInput(f"'{level}' is not a level", hint=f"levels are: {', '.join(LEVELS)}")
    try:
        pattern = None if grep is None else re.compile(grep)
    except re.error as exc:
        raise InvalidInput(f"'{grep}' is not a regular expression: {exc}") from exc
    wanted = 100 if tail is None and since is None else tail
    return LogFilter(wanted, None if since is None else _parse_since(since), level, pattern)


def _parse_since(text: str) -> datetime:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is not None:
        return clock.now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        return clock.parse_instant(text)
    except ValueError as exc:
        raise InvalidInput(f"'{text}' is not a length of time", hint="write it as 30s, 10m, 2h or 1d") from exc


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as it stands in the file, and what it says of itself."""

    text: str
    at: str
    level: str
    component: str
    message: str

    @classmethod
    def parse(cls, component: str, text: str) -> LogLine:
        try:
            record: Any = json.loads(text)
        except ValueError:
            record = None
        if isinstance(record, dict):
            text = to_json(record)
        else:
            text, record = redact(text), {"message": text, "level": "error"}
        extra = " ".join(f"{key}={value}" for key, value in record.items() if key not in _SHOWN)
        message = f"{record.get('message', '')} {extra}".strip()
        return cls(text, str(record.get("time", "")), str(record.get("level", "info")), component, message)

    def format(self) -> str:
        """The line for people."""
        return f"{self.at[:23]:<23} {self.component:<12} {self.level:<7} {redact(self.message)}"


_SHOWN = {"time", "level", "component", "message", "service", "environment", "version", "file", "line"}


def read_lines(directory: Path, components: Sequence[str], wanted: LogFilter) -> list[LogLine]:
    """The newest wanted lines of all components, oldest first."""
    found: list[LogLine] = []
    for component in components:
        found += _read_newest(directory, component, wanted)
    found.sort(key=lambda line: line.at)
    return found if wanted.tail is None else found[max(0, len(found) - wanted.tail) :]


def _read_newest(directory: Path, component: str, wanted: LogFilter) -> list[LogLine]:
    found: list[LogLine] = []
    since = None if wanted.since is None else clock.format_instant(wanted.since)
    for text in _iter_backwards(directory / f"{component}.log"):
        if wanted.tail is not None and len(found) >= wanted.tail:
            break
        line = LogLine.parse(component, text)
        if since is not None and line.at and line.at < since:
            break
        if wanted.admits(line):
            found.append(line)
    return found[::-1]


def _iter_backwards(path: Path) -> Iterator[str]:
    for number in range(KEPT_FILES + 1):
        try:
            with numbered(path, number).open("rb") as file:
                yield from _iter_file_backwards(file.fileno())
        except FileNotFoundError:
            return


def _iter_file_backwards(descriptor: int) -> Iterator[str]:
    position, rest = os.fstat(descriptor).st_size, b""
    while position > 0:
        size = min(_BLOCK_BYTES, position)
        position -= size
        first, *lines = (os.pread(descriptor, size, position) + rest).split(b"\n")
        rest = first
        yield from (line.decode("utf-8", "replace") for line in reversed(lines) if line)
    if rest:
        yield rest.decode("utf-8", "replace")


def follow_lines(directory: Path, components: Sequence[str], wanted: LogFilter) -> Iterator[LogLine]:
    """The newest lines as `read_lines` gives them, then every new one as it is written; never ends by itself."""
    followers = [_Follower(component, directory / f"{component}.log") for component in components]
    yield from read_lines(directory, components, wanted)
    while True:
        fresh = [line for follower in followers for line in follower.read() if wanted.admits(line)]
        yield from sorted(fresh, key=lambda line: line.at)
        if not fresh:
            time.sleep(_FOLLOW_SECONDS)


class _Follower:
    """What is appended to one log file from now on, across rotations."""

    def __init__(self, component: str, path: Path) -> None:
        self._component = component
        self._path = path
        self._splitter = LineSplitter()
        self._inode, self._position = self._stat()

    def read(self) -> list[LogLine]:
        inode, size = self._stat()
        data = b""
        if inode != self._inode:
            data += self._read_from(numbered(self._path, 1)) if self._inode else b""
            self._inode, self._position = inode, 0
        if size > self._position:
            data += self._read_from(self._path)
        return [LogLine.parse(self._component, text) for text in self._splitter.feed(data)]

    def _read_from(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return b""
        self._position += len(data)
        return data

    def _stat(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return 0, 0
        return status.st_ino, status.st_size


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 1

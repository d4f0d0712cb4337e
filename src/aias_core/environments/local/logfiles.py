"""The log files of components as they are written: one JSON object a line, redacted, rotated by size."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from aias_core import clock
from aias_core.secret import to_json

ROTATE_BYTES = 10 * 1024**2
KEPT_FILES = 3
LONGEST_LINE = 64 * 1024
_POSTGRES = re.compile(r"(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT):\s+(.*)")
_NATS = re.compile(r"\[\d+\] \[(\w{3})\] ?(.*)")
_LEVELS = {
    **dict.fromkeys(("WARNING", "WRN", "WARN"), "warning"),
    **dict.fromkeys(("ERROR", "ERR", "FATAL", "PANIC", "FTL"), "error"),
    **dict.fromkeys(("DEBUG", "DBG", "TRC"), "debug"),
}


class RotatingFile:
    """Appends lines to a file; at 10 MB it becomes `.1`, of which three are kept. A full disk loses lines, no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, lines: list[str]) -> None:
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        if self._size + len(data) > ROTATE_BYTES and self._size:
            self._rotate()
        with suppress(OSError):
            self._size += os.write(self._descriptor, data)

    def close(self) -> None:
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _rotate(self) -> None:
        with suppress(OSError):
            for number in range(KEPT_FILES, 0, -1):
                source = numbered(self._path, number - 1)
                if source.exists():
                    os.replace(source, numbered(self._path, number))
            fresh = self._open()
            os.close(self._descriptor)
            self._descriptor, self._size = fresh, 0


def numbered(path: Path, number: int) -> Path:
    """The name of a file that was rotated `number` times."""
    return path if number == 0 else path.with_name(f"{path.name}.{number}")


class LineSplitter:
    """Turns what comes out of a pipe into lines; a line without an end is cut at 64 KiB."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", "replace") for line in lines if line.strip()]

    def end(self) -> list[str]:
        return self.feed(b"\n")


def build_line(component: str, log_format: str, line: str) -> str:
    """One line of any component as a JSON object with time, level, component and message."""
    record = _parse_json(line) if line.startswith("{") else None
    if record is None:
        level, message = _parse_text(log_format, line)
        record = {"level": level, "message": message}
    at = record.pop("timestamp", None) or record.pop("ts", None) or clock.format_instant(clock.now())
    message = record.pop("event", None) or record.pop("msg", None) or record.pop("message", "")
    level = str(record.pop("level", "info")).lower()
    head = {"time": at, "level": level, "component": component, "message": message}
    return to_json({**head, **record})


def _parse_json(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _parse_text(log_format: str, line: str) -> tuple[str, str]:
    pattern = {"postgres": _POSTGRES, "nats": _NATS}.get(log_format)
    match = pattern.match(line) if pattern else None
    if match is None:
        # Our own services write JSON; anything else of theirs is an error text or a trace.
        return "error" if log_format == "json" else "info", line.rstrip()
    return _LEVELS.get(match[1].rstrip("12345"), "info"), match[2]

"""Whole environments for tests, driven through the command line as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass
class CommandLine:
    """`aias` in one directory: arguments in, exit code and both streams out."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *argv: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "aias_cli", *argv],
            cwd=self.directory,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *argv: str, code: int = 0) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.run(*argv, "-o", "json", code=code).stdout)
        assert data["schema"].startswith("aias.")
        return data

    def status(self) -> dict[str, Any]:
        """What `env status` says, whatever its exit code."""
        argv = [sys.executable, "-m", "aias_cli", "env", "status", "-o", "json"]
        env = {**os.environ, **self.variables}
        data: dict[str, Any] = json.loads(subprocess.run(argv, cwd=self.directory, env=env, capture_output=True).stdout)
        return data

    def component(self, name: str) -> dict[str, Any]:
        return next(c for c in self.status()["components"] if c["name"] == name)

    def fault(self, *argv: str, code: int) -> dict[str, Any]:
        fault: dict[str, Any] = json.loads(self.run(*argv, "-o", "json", code=code).stderr.splitlines()[-1])
        assert fault["exit_code"] == code
        return fault


@contextmanager
def environment(directory: Path) -> Iterator[CommandLine]:
    """The `demo` profile, up for as long as the block lasts; afterwards no process of it is left."""
    line = CommandLine(directory, {"AIAS_ENV": "demo"})
    line.run("env", "up")
    try:
        yield line
    finally:
        line.run("env", "down", "--volumes", "--yes")
    assert processes_in(directory) == []


def processes_in(directory: Path) -> list[str]:
    """The command lines of processes that name a directory or work in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.pid != os.getpid() and (str(directory) in words or str(directory) in (process.info["cwd"] or "")):
            found.append(words)
    return found

"""Checks of this machine, each with what was found and the remedy. Nothing is changed and nothing is downloaded."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from aias_core import process
from aias_core.errors import AiasError
from aias_core.versions import SERVER_WHEELS, wheel_version

PYTHON_NEEDED = (3, 11)
CORES_WANTED = 2
MEMORY_WANTED_GIB = 3
DISK_WANTED_GIB = 5
DISK_NEEDED_MIB = 500
FILES_WANTED = 1024
_GIB = 1024**3


class Verdict(StrEnum):
    """How a check ended; only `fail` stops anything."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what is needed, what was found, and the command or step that mends it."""

    name: str
    verdict: Verdict
    needed: str
    found: str
    remedy: str | None = None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def run_checks(state_dir: Path) -> list[Check]:
    """Every check, in the order in which they matter."""
    return [
        _check_python(),
        *_check_servers(),
        _check_account(),
        _check_state(state_dir),
        _check_disk(state_dir),
        _check_memory(),
        _check_cores(),
        _check_open_files(),
    ]


def _check_python() -> Check:
    good = sys.version_info >= PYTHON_NEEDED
    remedy = None if good else "install a newer Python and make the environment again with: make clean install"
    return Check("python", Verdict.OK if good else Verdict.FAIL, "3.11 or newer", platform.python_version(), remedy)


def _check_servers() -> Iterator[Check]:
    from aias_core.database import postgres
    from aias_core.environments.local import nats, objects

    programs: dict[str, tuple[Callable[[], Path], str]] = {
        "postgres": (lambda: postgres.find_program("postgres"), "--version"),
        "nats": (nats.find_server, "--version"),
        "objects": (objects.find_server, "version"),
    }
    for component, (find, flag) in programs.items():
        wheel = SERVER_WHEELS[component]
        try:
            done = process.run([str(find()), flag], timeout_seconds=10)
            works, found = done.status == 0, f"{wheel} {wheel_version(wheel)}"
        except (AiasError, OSError) as error:
            works, found = False, str(error)
        remedy = None if works else f"install it with: {sys.executable} -m pip install --force-reinstall {wheel}"
        yield Check(component, Verdict.OK if works else Verdict.FAIL, f"{wheel}, runnable", found, remedy)


def _check_account() -> Check:
    from aias_core.accounts import find_server_account

    needed = "an account without rights where we are root"
    try:
        account = find_server_account()
    except AiasError as error:
        return Check("account", Verdict.FAIL, needed, error.message, error.hint)
    return Check("account", Verdict.OK, needed, account.name if account else "not root")


def _check_state(state_dir: Path) -> Check:
    existing = next(path for path in (state_dir.absolute(), *state_dir.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Check("state directory", Verdict.OK, "writable", str(state_dir))
    except OSError as error:
        found = f"'{existing}': {error.strerror}"
        return Check("state directory", Verdict.FAIL, "writable", found, "choose another with: --state-dir DIR")


def _check_disk(state_dir: Path) -> Check:
    existing = next(path for path in (state_dir.absolute(), *state_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    verdict = Verdict.FAIL if free < DISK_NEEDED_MIB * 1024**2 else _wanted(free >= DISK_WANTED_GIB * _GIB)
    remedy = None if verdict is Verdict.OK else "free some space, or choose another place with: --state-dir DIR"
    return Check("disk", verdict, f"{DISK_WANTED_GIB} GiB free", f"{free / _GIB:.1f} GiB free", remedy)


def _check_memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available
    verdict = _wanted(free >= MEMORY_WANTED_GIB * _GIB)
    remedy = None if verdict is Verdict.OK else "close something; an idle environment takes less than 700 MiB"
    return Check("memory", verdict, f"{MEMORY_WANTED_GIB} GiB available", f"{free / _GIB:.1f} GiB available", remedy)


def _check_cores() -> Check:
    cores = os.cpu_count() or 1
    verdict = _wanted(cores >= CORES_WANTED)
    remedy = None if verdict is Verdict.OK else "expect everything to take longer"
    return Check("cores", verdict, str(CORES_WANTED), str(cores), remedy)


def _check_open_files() -> Check:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    verdict = _wanted(limit >= FILES_WANTED)
    remedy = None if verdict is Verdict.OK else f"raise it with: ulimit -n {FILES_WANTED}"
    return Check("open files", verdict, str(FILES_WANTED), str(limit), remedy)


def _wanted(holds: bool) -> Verdict:
    return Verdict.OK if holds else Verdict.WARN

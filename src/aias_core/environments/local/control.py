"""Talking to the supervisor, starting it, and ending it even when it does not answer."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.local.state import StateDirectory
from aias_core.errors import AiasError

if TYPE_CHECKING:
    import psutil

SOCKET = "control.sock"
STATE_RECORD = "state.json"
SUPERVISOR = "aias_core.environments.local.supervisor"
_ANSWER_SECONDS = 5.0
_START_SECONDS = 15.0
_POLL_SECONDS = 0.02
# The kernel's limit for the path of a socket is 108 bytes with its end.
_LONGEST_SOCKET_PATH = 100
_SAME_START_SECONDS = 2.0


def find_status(state: StateDirectory) -> dict[str, Any] | None:
    """What the supervisor knows, or None when none is running or it does not answer."""
    try:
        return request(state, "status")
    except (OSError, ValueError):
        return None


def request(
    state: StateDirectory, op: str, component: str | None = None, *, timeout_seconds: float = _ANSWER_SECONDS
) -> dict[str, Any]:
    """One request to the supervisor. Raises OSError when there is none, AiasError when it refuses."""
    with _connection(state, timeout_seconds) as connection:
        connection.sendall(json.dumps({"op": op, "component": component}).encode() + b"\n")
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line:
        raise ConnectionResetError("the supervisor has gone")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        raise AiasError(f"The supervisor refused '{op}': {answer.get('error')}")
    return answer


def is_running(state: StateDirectory) -> bool:
    """Whether a supervisor takes connections."""
    try:
        with _connection(state, _ANSWER_SECONDS):
            return True
    except OSError:
        return False


@contextmanager
def _connection(state: StateDirectory, timeout_seconds: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        path = state.run / SOCKET
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            connection.connect(str(path))
        else:
            with _working_directory(state):
                connection.connect(SOCKET)
        yield connection


@contextmanager
def _working_directory(state: StateDirectory) -> Iterator[None]:
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(state.run)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def start_supervisor(state: StateDirectory) -> None:
    """Starts a supervisor that outlives us. Raises AiasError when it does not come up."""
    from aias_core import process, settings

    argv = [sys.executable, "-P", "-m", SUPERVISOR, str(state.path)]
    log = state.logs / "supervisor.log"
    with open(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
        process.start(argv, cwd=state.run, env=settings.inherited_environment(), output=output).wait()
    deadline = clock.monotonic() + _START_SECONDS
    while find_status(state) is None:
        if clock.monotonic() > deadline:
            raise AiasError("The supervisor did not come up", hint=f"read '{log}'")
        time.sleep(_POLL_SECONDS)


def end_leftovers(state: StateDirectory) -> list[str]:
    """Kills what an earlier supervisor has left running, by pid and start time; returns the names of what was there."""
    record = state.read_record(STATE_RECORD)
    entries = {"supervisor": record.get("supervisor"), **record.get("components", {})}
    found = {name: _find_process(entry) for name, entry in entries.items() if entry}
    alive = {name: process_ for name, process_ in found.items() if process_ is not None}
    for process_ in alive.values():
        _kill_tree(process_)
    return list(alive)


def _kill_tree(process_: psutil.Process) -> None:
    import psutil

    with suppress(psutil.Error):
        family = [process_, *process_.children(recursive=True)]
        for member in family:
            with suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(family, timeout=5)


def wait_for_end(entry: dict[str, Any], timeout_seconds: float) -> bool:
    """Whether the process of a record ends in time."""
    import psutil

    found = _find_process(entry)
    if found is None:
        return True
    _, alive = psutil.wait_procs([found], timeout=timeout_seconds)
    return not alive or found.status() == psutil.STATUS_ZOMBIE


def _find_process(entry: dict[str, Any]) -> psutil.Process | None:
    import psutil

    pid, created_at = entry.get("pid"), entry.get("created_at")
    if not pid or created_at is None:
        return None
    with suppress(psutil.Error):
        found = psutil.Process(pid)
        same = abs(found.create_time() - created_at) < _SAME_START_SECONDS
        if same and found.status() != psutil.STATUS_ZOMBIE:
            return found
    return None

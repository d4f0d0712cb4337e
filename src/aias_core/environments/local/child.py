"""One supervised process: started, watched, restarted, stopped. Lives in the supervisor's event loop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import psutil

from aias_core import clock, process
from aias_core.accounts import build_child_setup
from aias_core.environments.local.logfiles import LineSplitter, RotatingFile, build_line
from aias_core.environments.local.plan import ProcessPlan
from aias_core.environments.local.restarts import CRASH_EXITS, Exit, find_restart_delay

_READ_BYTES = 256 * 1024


class _Process(Protocol):
    """What is used of `subprocess.Popen`."""

    pid: int
    returncode: int

    def poll(self) -> int | None: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


class ChildState(StrEnum):
    """What the supervisor knows of a component."""

    STOPPED = "stopped"
    RUNNING = "running"
    WAITING = "waiting"
    CRASHED = "crashed"


class Child:
    """Keeps one program running while it is wanted. `changed` is called after every change of state."""

    def __init__(self, name: str, logs: Path, changed: Callable[[], None]) -> None:
        self.name = name
        self.plan: ProcessPlan | None = None
        self.state = ChildState.STOPPED
        self.since = clock.now()
        self.started = 0.0
        self.restarts = 0
        self.last_exit: str | None = None
        self._process: _Process | None = None
        self._created_at = 0.0
        self._exits: deque[Exit] = deque(maxlen=CRASH_EXITS * 4)
        self._stopping = False
        self._gone = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._log = RotatingFile(logs / f"{name}.log")
        self._changed = changed

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state.value,
            "pid": self.pid,
            "created_at": self._created_at if self._process else None,
            "since": clock.format_instant(self.since),
            "restarts": self.restarts,
            "last_exit": self.last_exit,
        }

    def start(self, plan: ProcessPlan) -> None:
        """Runs the program from now on; nothing happens when it runs already."""
        if self._process is not None:
            return
        self.plan = plan
        self._exits.clear()
        self.restarts = 0
        self._cancel_timer()
        self._spawn(plan)

    async def stop(self) -> None:
        """Ends the program: its own signal first, SIGKILL when its time is over."""
        self._cancel_timer()
        if self._process is None or self.plan is None:
            self._set(ChildState.STOPPED)
            return
        self._stopping = True
        await self.end_process(self.plan.stop_signal, self.plan.stop_seconds)

    async def end_process(self, number: int, seconds: float) -> None:
        """Signals the process and waits until it is gone; it is restarted unless it was told to stop."""
        if self._process is None:
            return
        gone = self._gone
        self._process.send_signal(number)
        try:
            await asyncio.wait_for(gone.wait(), seconds)
        except TimeoutError:
            if self._process is not None:
                self._process.kill()
            await gone.wait()

    def reap(self) -> None:
        """Notices that the process has ended and decides what comes next."""
        if self._process is None or self._process.poll() is None:
            return
        self.last_exit = _describe_exit(self._process.returncode)
        self._process = None
        self._gone.set()
        if self._stopping or self.plan is None:
            self._stopping = False
            self._set(ChildState.STOPPED)
        else:
            self.note("error", f"ended unexpectedly: {self.last_exit}")
            self._schedule_restart(self.plan)

    def note(self, level: str, message: str) -> None:
        """Writes a line of the supervisor's own into the component's log."""
        text = f'{{"level": "{level}", "event": "supervisor: {message}"}}'
        self._log.write([build_line(self.name, "json", text)])

    def _spawn(self, plan: ProcessPlan) -> None:
        self._timer = None
        self.started = clock.monotonic()
        reader, writer = os.pipe()
        try:
            with os.fdopen(writer, "wb") as output:
                self._process = process.start(
                    plan.argv,
                    cwd=Path(plan.cwd),
                    env=plan.env,
                    output=output,
                    before_exec=build_child_setup(plan.account),
                )
        except Exception as exc:
            os.close(reader)
            self.last_exit = f"could not be started: {exc}"
            self._schedule_restart(plan)
            return
        self._gone = asyncio.Event()
        with suppress(psutil.Error):
            self._created_at = psutil.Process(self._process.pid).create_time()
        self._follow_output(reader, plan.log_format)
        self._set(ChildState.RUNNING)

    def _follow_output(self, reader: int, log_format: str) -> None:
        os.set_blocking(reader, False)
        loop, splitter = asyncio.get_running_loop(), LineSplitter()

        def on_output() -> None:
            try:
                data = os.read(reader, _READ_BYTES)
            except BlockingIOError:
                return
            lines = splitter.feed(data) if data else splitter.end()
            if lines:
                self._log.write([build_line(self.name, log_format, line) for line in lines])
            if not data:
                loop.remove_reader(reader)
                os.close(reader)

        loop.add_reader(reader, on_output)

    def _schedule_restart(self, plan: ProcessPlan) -> None:
        now = clock.monotonic()
        self._exits.append(Exit(now, now - self.started))
        delay = find_restart_delay(self._exits)
        if delay is None:
            self.note("error", "ended too often, left down")
            self._set(ChildState.CRASHED)
            return
        self.restarts += 1
        self._set(ChildState.WAITING)
        self._timer = asyncio.get_running_loop().call_later(delay, self._spawn, plan)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, state: ChildState) -> None:
        if state is not self.state:
            self.since = clock.now()
        self.state = state
        self._changed()


def _describe_exit(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-status).name}"
    return f"killed by signal {-status}"

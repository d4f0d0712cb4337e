"""The supervisor of one environment: `python -m aias_core.environments.local.supervisor STATE_DIRECTORY`.

It detaches, owns the components as children that die with it, and takes requests through a Unix socket: one JSON object
a line, `{"op": "status" | "start" | "stop" | "restart" | "shutdown", "component": NAME}`, answered by one line.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from aias_core import clock
from aias_core.environments.local.child import Child, ChildState
from aias_core.environments.local.control import SOCKET, STATE_RECORD
from aias_core.environments.local.liveness import is_alive
from aias_core.environments.local.plan import PLAN_RECORD, ProcessPlan
from aias_core.environments.local.state import StateDirectory
from aias_core.errors import AiasError

LIVENESS_PERIOD_SECONDS = 10.0
LIVENESS_MISSES = 3
FORCED_RESTART_SECONDS = 60.0
_HUNG_STOP_SECONDS = 5.0


class Supervisor:
    """Owns the children of one environment for as long as it runs."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._children: dict[str, Child] = {}
        self._done = asyncio.Event()
        self._identity = {"pid": os.getpid(), "created_at": psutil.Process().create_time()}

    async def serve(self) -> None:
        """Takes requests until it is told to shut down, or gets SIGTERM."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        terminations: set[asyncio.Task[None]] = set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: terminations.add(asyncio.create_task(self._shut_down())))
        with suppress(FileNotFoundError):
            os.unlink(SOCKET)
        server = await asyncio.start_unix_server(self._on_connection, path=SOCKET)
        os.chmod(SOCKET, 0o600)
        self._record()
        watch = asyncio.create_task(self._watch())
        await self._done.wait()
        watch.cancel()
        server.close()
        with suppress(FileNotFoundError):
            os.unlink(SOCKET)

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            answer: dict[str, Any]
            try:
                answer = {"ok": True, **await self._answer(json.loads(await reader.readline()))}
            except (AiasError, ValueError, KeyError, TypeError) as error:
                answer = {"ok": False, "error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()
            if answer.get("done"):
                self._done.set()

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["op"]:
            case "status":
                pass
            case "start":
                self._start(request["component"])
            case "stop":
                await self._child(request["component"]).stop()
            case "restart":
                await self._child(request["component"]).stop()
                self._start(request["component"])
            case "shutdown":
                await self._stop_all()
                return {"done": True}
            case unknown:
                raise ValueError(f"unknown request '{unknown}'")
        return {"supervisor": self._identity, "components": [child.as_record() for child in self._children.values()]}

    def _start(self, name: str) -> None:
        plans = self._state.read_record(PLAN_RECORD)
        self._child(name).start(ProcessPlan.from_record(plans[name]))

    def _child(self, name: str) -> Child:
        if name not in self._children:
            self._children[name] = Child(name, self._state.logs, self._record)
        return self._children[name]

    async def _shut_down(self) -> None:
        await self._stop_all()
        self._done.set()

    async def _stop_all(self) -> None:
        levels: dict[int, list[Child]] = {}
        for child in self._children.values():
            levels.setdefault(child.plan.stop_level if child.plan else 0, []).append(child)
        for level in sorted(levels):
            await asyncio.gather(*(child.stop() for child in levels[level]))

    def _reap(self) -> None:
        for child in self._children.values():
            child.reap()

    def _record(self) -> None:
        components = {child.name: child.as_record() for child in self._children.values()}
        with suppress(AiasError):
            self._state.write_record(STATE_RECORD, {"supervisor": self._identity, "components": components})

    async def _watch(self) -> None:
        misses: dict[str, int] = {}
        forced: dict[str, float] = {}
        while True:
            await asyncio.sleep(LIVENESS_PERIOD_SECONDS)
            running = [child for child in self._children.values() if _is_settled(child)]
            for child, alive in zip(running, await _ask_all(running), strict=True):
                misses[child.name] = 0 if alive else misses.get(child.name, 0) + 1
                too_soon = clock.monotonic() - forced.get(child.name, float("-inf")) < FORCED_RESTART_SECONDS
                if misses[child.name] >= LIVENESS_MISSES and not too_soon:
                    misses[child.name], forced[child.name] = 0, clock.monotonic()
                    child.note("error", f"did not answer {LIVENESS_MISSES} times, restarting it")
                    await child.end_process(signal.SIGTERM, _HUNG_STOP_SECONDS)


def _is_settled(child: Child) -> bool:
    return child.state is ChildState.RUNNING and clock.monotonic() - child.started >= LIVENESS_PERIOD_SECONDS


async def _ask_all(children: Iterable[Child]) -> list[bool]:
    return await asyncio.gather(*(is_alive(child.plan.liveness) for child in children if child.plan))


def main() -> None:
    """Detaches from whoever started it and serves; ends at once when another supervisor serves the same directory."""
    state = StateDirectory(Path(sys.argv[1]))
    if os.fork():
        os._exit(0)
    os.chdir(state.run)
    guard = os.open("supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    asyncio.run(_serve(state))


async def _serve(state: StateDirectory) -> None:
    await Supervisor(state).serve()


if __name__ == "__main__":
    main()

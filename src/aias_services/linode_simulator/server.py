"""The process: one listener, whose connections can be cut without an answer."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aias_core.errors import PortTaken
from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.control import Tokens, add_token
from aias_services.linode_simulator.exchange import CUT
from aias_services.linode_simulator.resources import REGISTRY
from aias_services.linode_simulator.world import World

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the simulator is started with; what the state file knows already stays as it is there."""

    port: int
    state: Path | None
    token: str
    pace: float | None


class _Protocol(HttpToolsProtocol):
    """A connection that hands the application the means to close it without a word."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT: {"close": self.transport.abort}}


class _Listener(uvicorn.Server):
    """A listener that leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def open_world(options: Options) -> World:
    """The world of the state file, with the token to begin with."""
    world = World.open(REGISTRY, options.state)
    if options.pace is not None:
        # Where everything is over at once, so is the minute of a ceiling.
        world.state.settings.pace, world.state.settings.enforce_rates = options.pace, options.pace > 0
    add_token(world, Tokens(options.token))
    world.save()
    return world


def serve(options: Options) -> None:
    """Serves until SIGTERM. Its address is the first line on stdout. Raises PortTaken."""
    application, bound = Application(open_world(options)), bind(options.port)
    sys.stdout.write(f"http://{HOST}:{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    asyncio.run(_serve(application, bound))


def build_listener(application: ASGIApp) -> uvicorn.Server:
    """What serves an application on a socket of `bind`, until its `should_exit` is set."""
    return _Listener(
        uvicorn.Config(
            application,
            http=_Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,
        )
    )


async def _serve(application: Application, bound: socket.socket) -> None:
    listener = build_listener(application)

    def stop() -> None:
        listener.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await listener.serve(sockets=[bound])


def bind(port: int) -> socket.socket:
    """A socket on this port; 0 takes a free one. Raises PortTaken."""
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as exc:
        raise PortTaken(f"Port {port} cannot be used: {exc.strerror}", hint="choose another with --port") from exc
    return bound

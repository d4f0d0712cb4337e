"""Which port each component listens on: fixed by the user, remembered from before, preferred, or any free one."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aias_core import clock
from aias_core.environments.local.objects import has_foreign_socket
from aias_core.errors import AiasError, InvalidInput, PortTaken

HOST = "127.0.0.1"
# Below the range that Linux and macOS give to outgoing connections.
FREE_RANGE = (20_000, 29_999)
MOMENT_SECONDS = 1.0
Ports = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class PortWish:
    """One port of a component: its number where somebody fixed it, and else the one it would like."""

    component: str
    name: str
    variable: str
    preferred: int | None = None
    fixed: int | None = None

    @property
    def label(self) -> str:
        return self.component if self.name == "main" else f"{self.component}.{self.name}"


def choose_ports(
    wishes: Iterable[PortWish], remembered: Mapping[str, Mapping[str, int]], progress: Callable[[str], None]
) -> Ports:
    """A free port for every wish. Raises PortTaken for a fixed one that is held, naming who holds it."""
    chosen: Ports = {}
    taken: set[int] = set()
    for wish in sorted(wishes, key=lambda wish: wish.fixed is None):
        before = remembered.get(wish.component, {}).get(wish.name)
        port = _choose(wish, before, taken)
        if before is not None and port != before:
            progress(f"Moved '{wish.label}' from port {before} to {port}")
        taken.add(port)
        chosen.setdefault(wish.component, {})[wish.name] = port
    return chosen


def _choose(wish: PortWish, before: int | None, taken: set[int]) -> int:
    if wish.fixed is not None:
        if wish.fixed in taken:
            raise InvalidInput(f"Port {wish.fixed} is given to '{wish.label}' and to another component")
        if not is_free(wish.fixed):
            raise port_taken(wish, wish.fixed)
        return wish.fixed
    if before is not None and before not in taken and _is_free_soon(before):
        return before
    if wish.preferred is not None and wish.preferred not in taken and is_free(wish.preferred):
        return wish.preferred
    return find_free_port(taken)


def _is_free_soon(port: int) -> bool:
    """A server that was killed is gone from the list of processes before the last of its threads lets the port go."""
    deadline = clock.monotonic() + MOMENT_SECONDS
    while not is_free(port):
        if clock.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return not has_foreign_socket(port)


def find_free_port(taken: Iterable[int] = ()) -> int:
    """Any free port, at random, so that environments that start together do not meet."""
    excluded = set(taken)
    for port in random.sample(range(*FREE_RANGE), 500):
        if port not in excluded and is_free(port):
            return port
    raise AiasError(f"There is no free port between {FREE_RANGE[0]} and {FREE_RANGE[1]}")


def port_taken(wish: PortWish, port: int) -> PortTaken:
    """The error that says who holds the port, which variable moves ours, and a port that is free."""
    return PortTaken(
        f"Port {port} of '{wish.label}' is held by {describe_holder(port)}",
        hint=f"stop that process, or use a free port: {wish.variable}={find_free_port()}",
    )


def describe_holder(port: int) -> str:
    """Pid, command and owner of who listens on the port, as far as we may see them."""
    import psutil

    unseen = "a process of another user"
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return unseen
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                return unseen
            try:
                holder = psutil.Process(connection.pid)
                command = " ".join(holder.cmdline())[:120] or holder.name()
                return f"pid {holder.pid}, '{command}', of user '{holder.username()}'"
            except psutil.Error:
                return f"pid {connection.pid}"
    return unseen

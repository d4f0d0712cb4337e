from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from aias_core.environments.components import load_components
from aias_core.environments.local.planner import build_wishes
from aias_core.environments.local.ports import PortWish, choose_ports, find_free_port
from aias_core.environments.profiles import load_local_profile
from aias_core.errors import InvalidInput, PortTaken


@pytest.fixture
def held_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", find_free_port()))
        holder.listen()
        yield holder.getsockname()[1]


def wish(preferred: int | None = None, fixed: int | None = None, component: str = "router") -> PortWish:
    return PortWish(component, "main", f"AIAS_LOCAL_{component.upper()}_PORT", preferred, fixed)


def choose(*wishes: PortWish, remembered: int | None = None) -> list[int]:
    before = {} if remembered is None else {wishes[0].component: {"main": remembered}}
    return [ports["main"] for ports in choose_ports(wishes, before, lambda _: None).values()]


def test_remembered_port_wins_over_the_preferred_one() -> None:
    first, second = find_free_port(), find_free_port()
    assert choose(wish(preferred=first)) == [first]
    assert choose(wish(preferred=first), remembered=second) == [second]


def test_remembered_port_is_waited_for_while_a_killed_server_lets_it_go() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", find_free_port()))
        holder.listen()
        port = holder.getsockname()[1]
        ending = threading.Timer(0.2, holder.close)
        ending.start()
        assert choose(wish(), remembered=port) == [port]
        ending.join()


def test_taken_port_that_nobody_fixed_is_moved(held_port: int) -> None:
    told: list[str] = []
    chosen = choose_ports([wish(preferred=held_port)], {"router": {"main": held_port}}, told.append)
    assert chosen["router"]["main"] != held_port
    assert told == [f"Moved 'router' from port {held_port} to {chosen['router']['main']}"]


def test_taken_port_that_was_fixed_names_its_holder(held_port: int) -> None:
    with pytest.raises(PortTaken) as caught:
        choose(wish(fixed=held_port))
    assert f"Port {held_port} of 'router' is held by pid {os.getpid()}, '" in caught.value.message
    assert "of user '" in caught.value.message
    assert "AIAS_LOCAL_ROUTER_PORT=" in str(caught.value.hint)


def test_port_fixed_twice_is_refused() -> None:
    port = find_free_port()
    with pytest.raises(InvalidInput, match=str(port)):
        choose(wish(fixed=port), wish(fixed=port, component="identity"))


def test_variable_wins_over_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAS_LOCAL_ROUTER_PORT", "18081")
    wishes = {w.label: w for w in build_wishes(load_components(), load_local_profile("local", None))}
    assert (wishes["router"].fixed, wishes["router.ops"].fixed, wishes["router"].preferred) == (18081, None, 8080)


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_variable_that_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIAS_LOCAL_ROUTER_PORT", text)
    with pytest.raises(InvalidInput, match="AIAS_LOCAL_ROUTER_PORT"):
        build_wishes(load_components(), load_local_profile("local", None))

"""The simulated account of an environment: it outlives the command, and goes on where it stopped."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from aias_core.environments.linode import simulation
from aias_core.environments.linode.simulation import (
    Simulation,
    ensure_simulation,
    find_simulation,
    is_over,
    is_simulated,
    remove_simulation,
    stop_simulation,
)
from support.environments import CommandLine


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "development"
    stop_simulation(tmp_path / "development", forget=True)


def _call(simulation: Simulation, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {simulation.token.reveal()}"}
    return httpx.request(method, f"{simulation.url}/v4{path}", json=body, headers=headers)


def test_it_is_started_once_and_found_again(directory: Path) -> None:
    assert find_simulation(directory) is None
    started = ensure_simulation(directory, pace=0)
    assert (find_simulation(directory), is_simulated(directory)) == (started, True)
    assert started.pid in psutil.pids()
    assert started.token.reveal() not in " ".join(psutil.Process(started.pid).cmdline())


def test_a_killed_one_comes_back_at_the_same_address_with_what_it_held(directory: Path) -> None:
    first = ensure_simulation(directory, pace=0)
    assert _call(first, "POST", "/vpcs", {"label": "aias-development", "region": "fr-par"}).is_success
    os.kill(first.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first.pid)] if psutil.pid_exists(first.pid) else [], timeout=10)
    second = find_simulation(directory)
    assert second is not None
    assert (second.url, second.token) == (first.url, first.token)
    assert second.pid != first.pid
    assert [row["label"] for row in _call(second, "GET", "/vpcs").json()["data"]] == ["aias-development"]


def test_one_that_hangs_is_ended_before_another_takes_its_world(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "STOP_SECONDS", 0.5)
    hung = ensure_simulation(directory, pace=0)
    os.kill(hung.pid, signal.SIGSTOP)
    second = ensure_simulation(directory, pace=0)
    assert second.pid != hung.pid
    assert not psutil.pid_exists(hung.pid) or psutil.Process(hung.pid).status() == psutil.STATUS_ZOMBIE


def test_what_was_removed_is_known_until_something_comes_after_it(directory: Path) -> None:
    ensure_simulation(directory, pace=0)
    assert not is_over(directory)
    remove_simulation(directory)
    assert (is_over(directory), is_simulated(directory), [one.name for one in directory.iterdir()]) == (
        True,
        False,
        ["simulation.over"],
    )
    ensure_simulation(directory, pace=0)
    assert not is_over(directory)
    remove_simulation(directory)
    (directory / "journal").mkdir()
    assert not is_over(directory)


def test_a_second_removal_goes_to_no_real_account(directory: Path) -> None:
    remove_simulation(directory)
    line = CommandLine(directory.parent, {"AIAS_STATE_DIR": str(directory.parent), "LINODE_TOKEN": "a-real-one"})
    done = line.json("env", "down", "development", "--volumes", "--confirm", "development")
    assert (done["changed"], done["simulated"], done["removed"]) == (False, True, [])


def test_forgetting_it_leaves_nothing(directory: Path) -> None:
    started = ensure_simulation(directory, pace=0)
    assert stop_simulation(directory, forget=True)
    assert not psutil.pid_exists(started.pid) or psutil.Process(started.pid).status() == psutil.STATUS_ZOMBIE
    assert (is_simulated(directory), (directory / "simulator").exists()) == (False, False)
    assert not stop_simulation(directory, forget=True)


def test_what_it_keeps_is_for_the_owner_only(directory: Path) -> None:
    started = ensure_simulation(directory, pace=0)
    environment = started.build_environment()
    kept = (directory / "simulation.json", directory / "simulator" / "token")
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600, 0o600]
    assert stat.S_IMODE((directory / "simulator").stat().st_mode) == 0o700
    assert environment["LINODE_TOKEN"] == started.token.reveal()
    assert started.token.reveal() not in repr(started)


def test_another_program_with_the_same_pid_is_left_alone(directory: Path) -> None:
    ensure_simulation(directory, pace=0)
    stop_simulation(directory)
    (directory / "simulation.json").write_text(f'{{"url": "http://127.0.0.1:1", "pid": {os.getpid()}}}')
    assert not stop_simulation(directory)

"""The embedded environment as a whole: real servers, real signals, the process table as the witness."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aias_core.accounts import SEARCH, Account, find_server_account, is_permitted
from aias_core.environments.components import load_components
from aias_core.environments.health import State
from aias_core.environments.local.control import find_status
from aias_core.environments.local.target import LocalEnvironment, open_environment
from aias_core.errors import AiasError

COMPONENTS = list(load_components())
AIAS = Path(sys.executable).with_name("aias")
DEADLINE_SECONDS = 40
IDLE_SECONDS = 4


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited too long until {what}"
        time.sleep(0.1)


def processes_of(environment: LocalEnvironment) -> list[psutil.Process]:
    """Every process that works inside the state directory, zombies left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(environment.state.path):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def supervisor_of(environment: LocalEnvironment) -> int:
    status = find_status(environment.state)
    assert status is not None
    pid: int = status["supervisor"]["pid"]
    return pid


def pids_of(environment: LocalEnvironment) -> dict[str, int | None]:
    return {name: environment.pid_of(name) for name in COMPONENTS}


def organizations(environment: LocalEnvironment) -> set[str]:
    return {row["slug"] for row in environment.endpoints().identity_client().get("/api/v1/orgs")["data"]}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    root = tmp_path_factory.mktemp("drill") / "a path with späces, and 100 characters" / ("x" * 60) / ".aias"
    opened = open_environment("demo", root)
    try:
        opened.up(print)
        yield opened
    finally:
        opened.down(volumes=True)


def test_every_component_is_healthy_and_knows_its_version(environment: LocalEnvironment) -> None:
    health = environment.status()
    assert {c.name: c.state for c in health.components} == dict.fromkeys(COMPONENTS, State.HEALTHY)
    assert all(component.version and component.memory_mib for component in health.components)
    assert health.find_fault() is None


def test_up_a_second_time_changes_nothing(environment: LocalEnvironment) -> None:
    before = pids_of(environment)
    assert environment.up().started == []
    assert pids_of(environment) == before


def test_an_idle_environment_leaves_the_processor_alone(environment: LocalEnvironment) -> None:
    def used() -> dict[int, float]:
        return {process.pid: sum(process.cpu_times()[:2]) for process in processes_of(environment)}

    before = used()
    time.sleep(IDLE_SECONDS)
    spent = {pid: seconds - before.get(pid, 0.0) for pid, seconds in used().items()}
    assert max(spent.values()) < IDLE_SECONDS / 10, spent


def test_everything_listens_on_loopback_and_outlives_the_terminal(environment: LocalEnvironment) -> None:
    members = processes_of(environment)
    addresses = {c.laddr.ip for p in members for c in p.net_connections() if c.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}
    assert os.getsid(0) not in {os.getsid(process.pid) for process in members}


def test_no_secret_reaches_a_log_or_an_argument_list(environment: LocalEnvironment) -> None:
    secrets = [path.read_text() for path in environment.state.secrets.iterdir()]
    texts = [path.read_text() for path in environment.state.logs.iterdir()]
    texts += [" ".join(process.cmdline()) for process in processes_of(environment)]
    assert [text for text in texts if any(secret in text for secret in secrets)] == []


def test_restart_replaces_one_process(environment: LocalEnvironment) -> None:
    before = pids_of(environment)
    environment.restart("identity")
    after = pids_of(environment)
    assert {name for name in COMPONENTS if before[name] != after[name]} == {"identity"}


def test_killed_components_come_back_by_themselves(environment: LocalEnvironment) -> None:
    before = pids_of(environment)
    for pid in before.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not set(pids_of(environment).values()) & {None, *before.values()}, "all have new processes")
    wait_until(lambda: environment.status().find_fault() is None, "all are healthy")
    assert {component.restarts for component in environment.status().components} >= {1}


def test_killing_everything_leaves_no_orphan_and_up_recovers_the_data(environment: LocalEnvironment) -> None:
    environment.endpoints().identity_client().post("/api/v1/orgs", {"slug": "survivor"})
    ports = environment.endpoints().ports
    os.kill(supervisor_of(environment), signal.SIGKILL)
    wait_until(lambda: processes_of(environment) == [], "the children have gone with their supervisor")
    assert {component.state for component in environment.status().components} == {State.STOPPED}
    assert sorted(environment.up().started) == sorted(COMPONENTS)
    assert environment.endpoints().ports == ports
    assert "survivor" in organizations(environment)


def test_two_environments_run_beside_each_other(environment: LocalEnvironment, tmp_path: Path) -> None:
    (tmp_path / "second.yaml").write_text("extends: demo\n")
    second = open_environment("second", environment.state.path.parent, tmp_path)
    try:
        second.up()
        assert second.status().find_fault() is None
        assert environment.status().find_fault() is None
        assert "survivor" not in organizations(second)
    finally:
        second.down(volumes=True)
    assert not second.state.path.exists()
    assert processes_of(second) == []
    assert environment.status().find_fault() is None


def test_down_leaves_no_process_and_keeps_the_data(environment: LocalEnvironment) -> None:
    assert environment.down().stopped
    assert processes_of(environment) == []
    assert not environment.down().stopped
    environment.up()
    assert "survivor" in organizations(environment)


def test_component_that_cannot_live_is_left_down_and_reported(environment: LocalEnvironment) -> None:
    environment.down()
    (environment.state.secrets / "data-hash-keys").write_text("k1:short")
    with pytest.raises(AiasError, match="AIAS_DATA_HASH_KEYS: the key 'k1' is"):
        environment.up()
    states = {component.name: component.state for component in environment.status().components}
    assert State.CRASHED in {states["identity"], states["router"]}
    assert states["postgres"] is State.HEALTHY


def test_down_works_when_the_supervisor_hangs(environment: LocalEnvironment) -> None:
    os.kill(supervisor_of(environment), signal.SIGSTOP)
    assert environment.down(volumes=True).stopped
    assert processes_of(environment) == []
    assert not environment.state.path.exists()


def run_aias(
    directory: Path, *arguments: str, user: int | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AIAS, *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def test_fixed_port_that_is_taken_stops_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = run_aias(tmp_path, "env", "up", "demo", AIAS_LOCAL_ROUTER_PORT=str(port))
    assert done.returncode == 5
    assert f"Port {port} of 'router' is held by pid {os.getpid()}" in done.stderr
    assert "AIAS_LOCAL_ROUTER_PORT=" in done.stderr
    assert processes_of(open_environment("demo", tmp_path / ".aias")) == []


def test_unconfirmed_forgetting_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".aias" / "demo" / "run").mkdir(parents=True)
    done = run_aias(tmp_path, "env", "down", "demo", "--volumes")
    assert (done.returncode, (tmp_path / ".aias" / "demo").exists()) == (6, True)


@pytest.fixture
def stranger() -> Account:
    """An ordinary user other than us, who can reach the interpreter that runs the tests."""
    if os.geteuid() != 0:
        pytest.skip("the other drills have run as an ordinary user")
    account = find_server_account()
    assert account is not None
    for program in (AIAS, Path(sys.executable).resolve()):
        for directory in program.parents:
            if not is_permitted(directory, account, SEARCH):
                pytest.skip(f"'{account.name}' cannot reach the interpreter in '{directory}'")
    return account


def test_ordinary_user_can_do_it_all(stranger: Account) -> None:
    user = stranger.uid
    directory = Path(tempfile.mkdtemp(prefix="aias-drill-"))
    os.chown(directory, user, user)
    try:
        up = run_aias(directory, "env", "up", "demo", user=user)
        assert up.returncode == 0, up.stderr
        status = run_aias(directory, "env", "status", "demo", "-o", "json", user=user)
        assert (status.returncode, '"state": "healthy"' in status.stdout) == (0, True)
    finally:
        down = run_aias(directory, "env", "down", "demo", "--volumes", "--yes", user=user)
        shutil.rmtree(directory)
    assert down.returncode == 0, down.stderr

"""A simulated account behind an environment: the fake Linode as a process that outlives the command, and its provider.

`.aias/<env>/simulation.json` says where it is; its world is a file, so that it goes on where it stopped when it is
started again.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import clock, process
from aias_core.environments.linode.mirror import make_mirror
from aias_core.errors import AiasError, InvalidInput, TimedOut
from aias_core.files import whole_file
from aias_core.secret import Secret, random_base62
from aias_core.settings import find_variable, inherited_environment

if TYPE_CHECKING:
    import httpx

MODULE = "aias_services.linode_simulator"
# An hour on Linode passes in 72 seconds: long enough to watch, short enough to wait for.
PACE, PACE_VARIABLE = 0.02, "AIAS_SIMULATION_PACE"
POLL_MILLISECONDS = 200
START_SECONDS, STOP_SECONDS, ANSWER_SECONDS, LOOK_SECONDS = 30.0, 10.0, 2.0, 0.05
_RECORD, _TOKEN, _LOG = "simulation.json", "simulator/token", "simulator/log"
_OVER, _USED = "simulation.over", ("journal", "terraform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulated account that answers at `url`."""

    url: str
    pid: int
    token: Secret
    directory: Path

    def build_environment(self) -> dict[str, str]:
        """What Terraform and its stand-in provider must find in their environment; holds the token."""
        return {
            **make_mirror(self.directory / "simulator"),
            "LINODE_URL": self.url,
            "LINODE_TOKEN": self.token.reveal(),
            "TF_VAR_poll_milliseconds": str(POLL_MILLISECONDS),
        }

    @contextmanager
    def provide(self) -> Iterator[dict[str, str]]:
        """The same, with a provider that runs for the length of the block. Raises AiasError when it does not start."""
        from aias_core.environments.linode.attached import attach_stand_in

        variables = self.build_environment()
        with attach_stand_in(variables) as attached:
            yield {**variables, **attached}


def is_simulated(directory: Path) -> bool:
    """Whether the environment of that directory lives in a simulated account."""
    return (directory / _RECORD).is_file()


def was_worked_on(directory: Path) -> bool:
    """Whether an environment was made or changed from that directory."""
    return any((directory / part).exists() for part in _USED)


def is_over(directory: Path) -> bool:
    """Whether a simulation was removed there and nothing came after it."""
    return (directory / _OVER).is_file() and not is_simulated(directory) and not was_worked_on(directory)


def remove_simulation(directory: Path) -> None:
    """Forgets a simulated account with all that was made in it; what is left says that there was one."""
    import shutil

    stop_simulation(directory, forget=True)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    (directory / _OVER).touch(mode=0o600)


def find_simulation(directory: Path) -> Simulation | None:
    """The simulated account of an environment, started again when its process is gone; None when it has none."""
    return ensure_simulation(directory) if is_simulated(directory) else None


def ensure_simulation(directory: Path, *, pace: float | None = None) -> Simulation:
    """The simulated account of an environment, made and started where need be.

    Without a pace it is that of AIAS_SIMULATION_PACE: 0 at once, 1 as in life.

    Raises InvalidInput, TimedOut, AiasError.
    """
    pace = _read_pace() if pace is None else pace
    with _alone(directory):
        record = _read_record(directory)
        if not (record and _answers(str(record["url"]))):
            if record:
                _end(directory, int(record["pid"]))  # two of them must not write one world
            record = _start(directory, record, pace)
        return Simulation(url=record["url"], pid=record["pid"], token=_read_token(directory), directory=directory)


def _read_pace() -> float:
    told = find_variable(PACE_VARIABLE)
    try:
        pace = float(told) if told else PACE
    except ValueError:
        pace = -1.0
    if not 0 <= pace <= 1:
        raise InvalidInput(f"{PACE_VARIABLE} is '{told}' and not a number from 0 to 1", hint=f"unset {PACE_VARIABLE}")
    return pace


def stop_simulation(directory: Path, *, forget: bool = False) -> bool:
    """Ends the process, and with `forget` its world as well; whether it was running."""
    import shutil

    with _alone(directory):
        record = _read_record(directory)
        stopped = bool(record) and _end(directory, int(record["pid"]))
        if forget:
            (directory / _RECORD).unlink(missing_ok=True)
            shutil.rmtree(directory / "simulator", ignore_errors=True)
    return stopped


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One command at a time starts or stops the simulation of an environment."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / "simulation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start(directory: Path, before: dict[str, Any], pace: float) -> dict[str, Any]:
    # The old port again, because the state of Terraform and kubeconfigs name it.
    for port in dict.fromkeys((_port(before), 0)):
        with suppress(AiasError):
            return _start_on(directory, port, pace)
    raise _not_started(directory)


def _start_on(directory: Path, port: int, pace: float) -> dict[str, Any]:
    home = directory / "simulator"
    home.mkdir(mode=0o700, exist_ok=True)
    argv = [sys.executable, "-m", MODULE, "--state", str(home / "world"), "--port", str(port), "--pace", str(pace)]
    with open(os.open(directory / _LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        running = process.start(argv, cwd=home, env=inherited_environment(), output=output)
    url = _wait_for_url(directory, running)
    record = {"url": url, "pid": running.pid}
    try:
        _make_token_known(directory, url)
    except AiasError:
        process.end(running, signal.SIGTERM, STOP_SECONDS)
        raise
    with whole_file(directory / _RECORD) as file:
        file.write(json.dumps(record).encode())
    return record


def _wait_for_url(directory: Path, running: process.Running) -> str:
    deadline = clock.monotonic() + START_SECONDS
    while clock.monotonic() < deadline:
        line = (directory / _LOG).read_text(encoding="utf-8").partition("\n")[0]
        if line.startswith("http://") and _answers(line):
            return line
        if running.poll() is not None:
            raise _not_started(directory)
        time.sleep(LOOK_SECONDS)
    process.end(running, signal.SIGTERM, STOP_SECONDS)
    raise TimedOut(f"The simulated account did not answer within {START_SECONDS:g} s", hint=f"see '{directory / _LOG}'")


def _not_started(directory: Path) -> AiasError:
    return AiasError(f"The simulated account did not start: {_last_words(directory)}", hint=f"see '{directory / _LOG}'")


def _make_token_known(directory: Path, url: str) -> None:
    import httpx

    if not (directory / _TOKEN).is_file():
        with whole_file(directory / _TOKEN) as file:
            file.write(random_base62(43).encode())
    body = {"token": _read_token(directory).reveal()}
    try:
        ask_simulator(url, "tokens", body).raise_for_status()
    except httpx.HTTPError as exc:
        raise AiasError(
            f"The simulated account did not take its token: {exc}", hint=f"see '{directory / _LOG}'"
        ) from exc


def ask_simulator(url: str, path: str, body: Any = None) -> httpx.Response:
    """What the simulator itself says; with a body it is a POST. Raises httpx.HTTPError."""
    import httpx

    return httpx.request(
        "GET" if body is None else "POST",
        f"{url}/v4/__simulator/{path}",
        json=body,
        timeout=ANSWER_SECONDS,
        trust_env=False,
        verify=url.startswith("https://"),  # to read the certificates of authorities takes longer than the call
    )


def _answers(url: str) -> bool:
    import httpx

    try:
        return ask_simulator(url, "clock").is_success
    except httpx.HTTPError:
        return False


def _end(directory: Path, pid: int) -> bool:
    """Ends the process if it is still ours: a pid may have gone to another program since."""
    import psutil

    try:
        found = psutil.Process(pid)
        if str(directory / "simulator" / "world") not in found.cmdline():
            return False
        found.terminate()
        found.wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        found.kill()
        found.wait(STOP_SECONDS)
    return True


def _read_record(directory: Path) -> dict[str, Any]:
    try:
        record = json.loads((directory / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and {"url", "pid"} <= set(record) else {}


def _read_token(directory: Path) -> Secret:
    return Secret((directory / _TOKEN).read_text(encoding="ascii"))


def _port(record: dict[str, Any]) -> int:
    return int(str(record["url"]).rpartition(":")[2]) if record else 0


def _last_words(directory: Path) -> str:
    lines = (directory / _LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"

"""The embedded environment as commands see it: up, status, restart, logs, down, and the addresses of what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.local import control
from aias_core.environments.local.plan import PORTS_RECORD
from aias_core.environments.local.state import StateDirectory
from aias_core.environments.profiles import load_local_profile, read_assembly
from aias_core.errors import EnvironmentNotUp, Refused

if TYPE_CHECKING:
    from aias_core.environments.endpoints import Endpoints
    from aias_core.environments.health import Health
    from aias_core.environments.local.logs import LogFilter, LogLine
    from aias_core.environments.local.start import UpResult
    from aias_core.environments.local.stop import DownResult
    from aias_core.environments.schema import LocalProfile

Progress = Callable[[str], None]
SUPERVISOR_LOG = "supervisor"


def _say_nothing(_: str) -> None:
    pass


def open_environment(name: str, state_root: Path, own_profiles: Path | None = None) -> LocalEnvironment:
    """The environment of that name, up or not.

    Raises NotFound, listing the known ones, for an unknown name, and Refused for one that is not on this machine.
    """
    own = None if own_profiles is None else Path(own_profiles)
    if read_assembly(name, own).target != "local":
        raise Refused(
            f"The environment '{name}' is not on this machine, and this command works on one that is",
            hint=f"see what it consists of with: aias env show {name}",
        )
    return LocalEnvironment(name, StateDirectory(Path(state_root).absolute() / name), own)


@dataclass(frozen=True, slots=True)
class LocalEnvironment:
    """One environment on this machine; its state is in one directory."""

    name: str
    state: StateDirectory
    own_profiles: Path | None = None

    def load_profile(self) -> LocalProfile:
        return load_local_profile(self.name, self.own_profiles)

    def up(self, progress: Progress = _say_nothing, timeout_seconds: float | None = None) -> UpResult:
        """Starts what is not running and waits until every component answers; changes nothing the second time.

        Raises PortTaken, PrerequisiteMissing, LockHeld, TimedOut, or AiasError with the last lines of the culprit.
        """
        from aias_core.environments.local.start import bring_up

        return bring_up(self, progress, timeout_seconds)

    def down(self, *, volumes: bool = False, progress: Progress = _say_nothing) -> DownResult:
        """Stops everything, also when the supervisor is dead; `volumes` then forgets all data. Repeatable."""
        from aias_core.environments.local.stop import take_down

        return take_down(self, volumes, progress)

    def restart(self, component: str, progress: Progress = _say_nothing) -> None:
        """Stops and starts one component and waits until it answers. Raises NotFound, EnvironmentNotUp."""
        from aias_core.environments.local.start import restart_component

        restart_component(self, component, progress)

    def status(self) -> Health:
        """The health of every component, asked now; two seconds at most."""
        from aias_core.environments.local.status import read_health

        return read_health(self)

    def log_components(self, components: Sequence[str]) -> list[str]:
        """The components whose logs are meant: those named, or all. Raises NotFound for an unknown one."""
        from aias_core.environments.components import get_component, load_components

        known = load_components()
        for name in components:
            if name != SUPERVISOR_LOG:
                get_component(known, name)
        return list(components) or [*known, SUPERVISOR_LOG]

    def logs(self, components: Sequence[str], wanted: LogFilter, *, follow: bool = False) -> Iterator[LogLine]:
        """Log lines of these components (none named: all), oldest first. Raises NotFound for an unknown component."""
        from aias_core.environments.local.logs import follow_lines, read_lines

        names = self.log_components(components)
        if not self.state.exists():
            raise self.not_up()
        return (
            follow_lines(self.state.logs, names, wanted) if follow else iter(read_lines(self.state.logs, names, wanted))
        )

    def endpoints(self) -> Endpoints:
        """The addresses of everything that runs. Raises EnvironmentNotUp."""
        if not (self.state.exists() and control.is_running(self.state)):
            raise self.not_up()
        return self.known_endpoints()

    def known_endpoints(self) -> Endpoints:
        """The addresses last used, whether anything listens or not."""
        from aias_core.environments.endpoints import Endpoints
        from aias_core.environments.local.credentials import Credentials

        return Endpoints(self.state.read_record(PORTS_RECORD), Credentials(self.state.secrets))

    def pid_of(self, component: str) -> int | None:
        """The process of a component; None when it is not running."""
        status = control.find_status(self.state) or {"components": []}
        return next((c["pid"] for c in status["components"] if c["name"] == component), None)

    def not_up(self) -> EnvironmentNotUp:
        which = "" if self.name == "local" else f" {self.name}"
        return EnvironmentNotUp(
            f"The environment '{self.name}' is not up", hint=f"bring it up with: aias env up{which}"
        )

"""Taking an environment down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.local import control, objects
from aias_core.environments.local.plan import PORTS_RECORD
from aias_core.errors import AiasError

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment, Progress

SHUTDOWN_SECONDS = 60.0
_LAST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class DownResult:
    """What `down` did: whether anything ran, and whether the data was forgotten."""

    environment: str
    stopped: bool
    forgotten: bool
    seconds: float

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "stopped": self.stopped,
            "forgotten": self.forgotten,
            "seconds": self.seconds,
        }


def take_down(environment: LocalEnvironment, volumes: bool, progress: Progress) -> DownResult:
    """See `LocalEnvironment.down`."""
    began, state = clock.monotonic(), environment.state
    stopped = forgotten = False
    if state.exists():
        with state.exclusive():
            stopped = _stop(environment, progress, gracefully=not volumes)
            objects.remove_sockets(state.read_record(PORTS_RECORD).get("objects", {}))
            if volumes:
                progress("Deleting its data")
                state.remove()
                forgotten = True
    return DownResult(environment.name, stopped, forgotten, round(clock.monotonic() - began, 2))


def _stop(environment: LocalEnvironment, progress: Progress, *, gracefully: bool) -> bool:
    """Ends every process, in order and in peace unless the data is to be forgotten anyway."""
    status = control.find_status(environment.state)
    if status is not None and gracefully:
        running = [component["name"] for component in status["components"] if component["pid"]]
        progress(f"Stopping {', '.join(running)}" if running else "Stopping")
        try:
            control.request(environment.state, "shutdown", timeout_seconds=SHUTDOWN_SECONDS)
            control.wait_for_end(status["supervisor"], _LAST_SECONDS)
        except (OSError, ValueError, AiasError):
            progress("The supervisor did not answer; ending its processes")
    return bool(control.end_leftovers(environment.state)) or status is not None

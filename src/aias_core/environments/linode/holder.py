"""Who holds a lease: the person, the place where the process runs, and the process."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aias_core import clock
from aias_core.ids import new_id
from aias_core.secret import redact

_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """`place` tells apart where process ids mean the same thing; without a `pid` it is a person, not a process.

    `actor` is the account's user, `user` the system's.
    """

    actor: str
    host: str
    place: str
    pid: int | None
    started_at: int | None
    command: str
    run_id: str
    acquired_at: str
    user: str = ""

    def is_gone_from_here(self, observer: Holder) -> bool:
        """Whether the observer knows that it ended: of the same system user, on the same host, its process no more."""
        is_own = (self.user, self.host, self.place) == (observer.user, observer.host, observer.place)
        return is_own and self.pid is not None and _started_at(self.pid) != self.started_at

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def describe_self(command: str, *, actor: str | None = None, is_process: bool = True) -> Holder:
    """This process as a holder, with a run id of its own. `actor` is the account's user where that is known.

    `is_process` is false for a lease that a person takes and that outlives the command.
    """
    pid = os.getpid() if is_process else None
    return Holder(
        actor=actor or _system_user(),
        host=platform.node(),
        place=_place(),
        pid=pid,
        started_at=None if pid is None else _started_at(pid),
        command=command,
        run_id=str(new_id()),
        acquired_at=clock.format_instant(clock.now()),
        user=_system_user(),
    )


def own_command() -> str:
    """The command line of this process, for people to recognize it by, redacted."""
    return redact(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))


def _started_at(pid: int) -> int | None:
    """When a running process was started, as ticks that no change of the clock moves; None when it is not running."""
    if not _PROCESSES.is_dir():
        return _started_at_without_proc(pid)
    try:
        state, *fields = (_PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(fields[18])


def _started_at_without_proc(pid: int) -> int | None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return int(psutil.Process(pid).create_time())
    return None


def _system_user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def _place() -> str:
    # Containers may share a host's name; the namespace of their process ids is their own.
    parts = []
    with suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text().strip())
    with suppress(OSError):
        parts.append(str((_PROCESSES / "self/ns/pid").readlink()))
    return "/".join(parts)

"""Which version of Kubernetes a cluster may go to: one minor version at a time, and never back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aias_core.environments.linode.plan import ONLOOKER
from aias_core.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.journal import JournalShelf

_MINOR = re.compile(r"v?(\d+)\.(\d+)")


def choose_version(name: str, now: str, behind: Sequence[str], offered: Sequence[str], wanted: str | None) -> str:
    """To which version a cluster goes that is at `now`, with nodes that may still be behind that.

    Raises InvalidInput for what is not offered, Refused for what is not the next minor version.
    """
    following = next((one for one in offered if minor_of(one) == _after(now)), None)
    if wanted is None:
        return now if behind or following is None else following
    if wanted == now:
        return now
    if wanted not in offered:
        raise InvalidInput(
            f"Kubernetes {wanted} is not offered; offered are: {', '.join(offered)}",
            hint=f"go to the next version with: aias env nodes upgrade {name}",
        )
    if minor_of(wanted) <= minor_of(now):
        raise Refused(
            f"'{name}' is at {now}, and a cluster never goes back", hint=f"look with: aias env nodes list {name}"
        )
    if behind:
        raise Refused(
            f"Nodes of '{name}' are still behind {now}: {', '.join(behind)}",
            hint=f"finish that first: aias env nodes upgrade {name} --to {now}",
        )
    if wanted != following:
        after = ".".join(map(str, _after(now)))
        raise Refused(
            f"'{name}' is at {now}, and goes up by one minor version at a time: {after} before {wanted}",
            hint=f"begin with: aias env nodes upgrade {name} --to {after}",
        )
    return wanted


def find_begun(journals: JournalShelf, command: str) -> str | None:
    """The version of the newest run of that command, unless it succeeded, whatever else was run since."""
    newest = next((run for run in journals.iter_begun(ONLOOKER) if run.command == command), None)
    return None if newest is None or newest.has_succeeded else newest.details.get("version")


def minor_of(version: str) -> tuple[int, int]:
    """Of `1.35`, `v1.35.2` and the like; what is no version is before all."""
    found = _MINOR.match(version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _after(version: str) -> tuple[int, int]:
    major, minor = minor_of(version)
    return major, minor + 1

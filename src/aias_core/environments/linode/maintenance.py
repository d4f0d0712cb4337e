"""Maintenance of an environment: noted on its namespaces with its end, and it ends by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.linode.inside import open_access
from aias_core.errors import Conflict, DependencyUnreachable, EnvironmentNotUp, InvalidInput, Partial, Refused
from aias_core.secrets.cluster import ENVIRONMENT

if TYPE_CHECKING:
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.secrets.cluster import Cluster

REASON, UNTIL, ACTOR = "aias.dev/maintenance", "aias.dev/maintenance-until", "aias.dev/maintenance-by"
USUAL, LONGEST = timedelta(hours=2), timedelta(hours=8)
_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Whether there is maintenance, until when and why."""

    environment: str
    reason: str | None = None
    until: datetime | None = None
    actor: str | None = None

    @property
    def is_on(self) -> bool:
        return self.until is not None

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "on": self.is_on,
            "reason": self.reason,
            "until": None if self.until is None else clock.format_second(self.until),
            "by": self.actor,
        }


def read_maintenance(environment: LinodeEnvironment) -> Maintenance:
    """The maintenance of now; one that is past its end is none, and neither is one without a cluster."""
    with open_access(environment.opened.account, environment.name) as cluster:
        return Maintenance(environment.name) if cluster is None else _read(environment, cluster)


def begin_maintenance(environment: LinodeEnvironment, reason: str, until: datetime | None) -> Maintenance:
    """Begins it, for two hours unless told otherwise.

    Raises Conflict while there is maintenance, InvalidInput for an end that is past or more than eight hours away.
    """
    now = clock.now().replace(microsecond=0)
    until = until or now + USUAL
    if not now < until <= now + LONGEST:
        raise InvalidInput("Maintenance ends within eight hours", hint="name its end with: --until 2h")
    with _work(environment) as cluster:
        found = _read(environment, cluster)
        if found.is_on:
            told = found.as_record()
            raise Conflict(
                f"'{environment.name}' is under maintenance until {told['until']} by '{found.actor}': {found.reason}",
                hint=f"end it with: aias env maintenance off {environment.name}",
            )
        actor = environment.find_actor()
        _write(environment, cluster, {REASON: reason, UNTIL: clock.format_second(until), ACTOR: actor})
        return Maintenance(environment.name, reason, until, actor)


def end_maintenance(environment: LinodeEnvironment) -> Maintenance:
    """Ends it; nothing happens when there is none."""
    with _work(environment) as cluster:
        _write(environment, cluster, dict.fromkeys((REASON, UNTIL, ACTOR)))
    return Maintenance(environment.name)


def refuse_under_maintenance(environment: LinodeEnvironment) -> None:
    """Raises Refused while there is maintenance, DependencyUnreachable where only a person can know."""
    try:
        found = read_maintenance(environment)
    except (DependencyUnreachable, Partial) as exc:
        raise DependencyUnreachable(
            f"Whether '{environment.name}' is under maintenance is not known: {exc.message}",
            hint="if it is not, or if it is part of that, say so with: --during-maintenance",
        ) from exc
    if found.is_on:
        raise Refused(
            f"'{environment.name}' is under maintenance until {found.as_record()['until']}: {found.reason}",
            hint="if it is part of that, say so with: --during-maintenance",
        )


@contextmanager
def _work(environment: LinodeEnvironment) -> Iterator[Cluster]:
    with open_access(environment.opened.account, environment.name) as cluster:
        if cluster is None:
            raise EnvironmentNotUp(
                f"'{environment.name}' has no cluster that is ready",
                hint=f"look with: aias env status {environment.name}",
            )
        yield cluster


def _spaces(environment: LinodeEnvironment) -> list[str]:
    return [space.name for space in environment.profile.namespaces.values()]


def _read(environment: LinodeEnvironment, cluster: Cluster) -> Maintenance:
    query = [("labelSelector", f"{ENVIRONMENT}={environment.name}")]
    for space in cluster.call("GET", "/api/v1/namespaces", query=query)["items"]:
        noted = space["metadata"].get("annotations") or {}
        if UNTIL in noted and (until := clock.parse_instant(noted[UNTIL])) > clock.now():
            return Maintenance(environment.name, noted.get(REASON), until, noted.get(ACTOR))
    return Maintenance(environment.name)


def _write(environment: LinodeEnvironment, cluster: Cluster, noted: dict[str, Any]) -> None:
    for name in _spaces(environment):
        if cluster.find(f"/api/v1/namespaces/{name}") is not None:
            cluster.call("PATCH", f"/api/v1/namespaces/{name}", {"metadata": {"annotations": noted}}, _PATCH)

"""Gives a pool another size: in the profile first, then by a plan, so that the next `up` leaves it so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.environments.editing import written_profile
from aias_core.environments.linode.approvals import refuse_unplanned
from aias_core.environments.linode.maintenance import refuse_under_maintenance
from aias_core.environments.linode.nodes import admit_nodes, get_pool, wait_for_pool, working_on_nodes
from aias_core.environments.linode.plan import ONLOOKER, refuse_widened
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import AiasError, LockHeld, NotFound, Refused

if TYPE_CHECKING:
    from aias_core.environments.keypath import KeyPath
    from aias_core.environments.linode.plan import EnvironmentPlan
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.schema import Pool


@dataclass(frozen=True, slots=True)
class Scaled:
    """A pool with its new size, and the file that says so."""

    environment: str
    pool: str
    before: int
    count: int
    file: Path

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "pool": self.pool,
            "before": self.before,
            "count": self.count,
            "file": str(self.file),
        }


def scale_pool(
    open_environment: Callable[[], LinodeEnvironment],
    own: Path,
    pool: str,
    count: int,
    consent: Callable[[EnvironmentPlan], None],
    progress: Progress,
    *,
    during_maintenance: bool = False,
) -> Scaled:
    """Writes the profile in the directory `own`, plans, and applies; `open_environment` opens it as it then is.

    A pool that scales by itself keeps doing so, with that number as its least. Raises NotFound for an unknown pool,
    Refused above its ceiling, and as `up`; what is refused before anything is changed leaves the profile as it was.
    """
    environment = open_environment()
    refuse_unplanned(environment.profile, None, None)
    if not during_maintenance:
        refuse_under_maintenance(environment)
    before = _get_declared(environment, pool)
    start, values = _Start(environment, _read_place(environment)), _build_values(environment.name, pool, before, count)
    with written_profile(own, environment.name, values, start.is_left) as file:
        environment = open_environment()
        agreed = environment.survey(writes=True).plan
        consent(agreed)
        _resize(environment, pool, count, start, progress)
        options = UpOptions(during_maintenance=during_maintenance)
        environment.up(options, lambda plan: refuse_widened(agreed, plan), progress)
    return Scaled(environment.name, pool, before.count, count, file)


@dataclass(slots=True)
class _Start:
    """Where an environment was before, and whether a pool was touched since."""

    environment: LinodeEnvironment
    place: tuple[str, int]
    is_begun: bool = False

    def is_left(self, exc: BaseException) -> bool:
        """Who holds the lease instead writes in the journal, too."""
        return self.is_begun or not (isinstance(exc, LockHeld) or not _has_moved(self.environment, self.place))


def _read_place(environment: LinodeEnvironment) -> tuple[str, int]:
    """The newest run, and how many lines its journal has."""
    newest = next(environment.read_state().journals.iter_begun(ONLOOKER), None)
    return (newest.run_id, len(newest.entries)) if newest else ("", 0)


def _has_moved(environment: LinodeEnvironment, before: tuple[str, int]) -> bool:
    try:
        return _read_place(environment) != before
    except AiasError:
        return True


def _get_declared(environment: LinodeEnvironment, pool: str) -> Pool:
    pools = environment.profile.cluster.pools
    if pool not in pools:
        raise NotFound(
            f"The profile has no pool '{pool}'; it has: {', '.join(pools)}",
            hint=f"see them with: aias env nodes list {environment.name}",
        )
    return pools[pool]


def _build_values(name: str, key: str, pool: Pool, count: int) -> dict[KeyPath, int]:
    most = max(count, pool.maximum or 0) if pool.minimum is not None else count
    if pool.ceiling is not None and most > pool.ceiling:
        raise Refused(
            f"The pool '{key}' may have at most {pool.ceiling} nodes",
            hint=f"raise 'cluster.pools.{key}.ceiling' in the profile of '{name}' first",
        )
    path = ("cluster", "pools", key)
    values: dict[KeyPath, int] = {(*path, "count"): count}
    if pool.minimum is not None:
        values |= {(*path, "minimum"): count, (*path, "maximum"): most}
    return values


def _resize(environment: LinodeEnvironment, name: str, count: int, start: _Start, progress: Progress) -> None:
    """Size and bounds at once, where a pool scales by itself: each alone may be refused for the other.

    Terraform leaves the size of such a pool alone; every other one is left to it.
    """
    declared = environment.profile.cluster.pools[name]
    if declared.minimum is None:
        return
    bounds = {"enabled": True, "min": declared.minimum, "max": declared.maximum}
    with working_on_nodes(environment, "nodes scale", progress) as work:
        start.is_begun = True
        pool = get_pool(environment, work.cluster_id, name)
        progress(f"Scaling '{name}' from {pool['count']} to {count} nodes…")
        with work.journal.step(f"scale {name}", count=count):
            path = f"/lke/clusters/{work.cluster_id}/pools/{pool['id']}"
            environment.opened.account.update(path, {"count": count, "autoscaler": bounds})
            wait_for_pool(environment, work.cluster_id, name, lambda pool: pool["count"] == count, progress)
        admit_nodes(work, progress)

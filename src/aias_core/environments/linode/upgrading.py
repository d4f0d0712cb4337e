"""Brings a cluster to the next minor version of Kubernetes: the control plane first, then pool by pool.

A node says which version it runs, so the same command goes on by looking; of a run that stopped only its version is
remembered, so that none goes further than was asked.
A node gets the version of its cluster when it is made:
https://techdocs.akamai.com/linode-api/reference/post-lke-cluster-node-recycle
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.environments.editing import written_profile
from aias_core.environments.linode.adoption import CLUSTER
from aias_core.environments.linode.approvals import refuse_unplanned
from aias_core.environments.linode.failures import RESUME
from aias_core.environments.linode.kept_profiles import keep_profile
from aias_core.environments.linode.kubernetes_versions import choose_version, find_begun, minor_of
from aias_core.environments.linode.maintenance import refuse_under_maintenance
from aias_core.environments.linode.nodes import (
    LOOK_SECONDS,
    READY_SECONDS,
    Node,
    NodeWork,
    admit_nodes,
    get_cluster_id,
    list_nodes,
    working_on_nodes,
)
from aias_core.environments.linode.offers import list_versions
from aias_core.environments.linode.recycling import replace_nodes
from aias_core.environments.linode.status import wait_until_healthy
from aias_core.errors import (
    AiasError,
    Conflict,
    DependencyUnreachable,
    Partial,
    PrerequisiteMissing,
    Refused,
    TimedOut,
)

if TYPE_CHECKING:
    from aias_core.environments.keypath import KeyPath
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment

COMMAND = "nodes upgrade"
# What a person has to see to; all else passes, and the same command goes on.
_KEPT = (TimedOut, Refused, Conflict)


@dataclass(frozen=True, slots=True)
class UpgradeOptions:
    """To which version, the next one unless told; how many nodes of a pool at a time; how long a node may drain."""

    version: str | None = None
    max_unavailable: int = 1
    seconds: float = 600
    during_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What is to be done: from which version of the control plane to which, and the nodes to replace.

    One that was begun and not finished may have none: then those that there are have yet to join, or to be let in.
    """

    environment: str
    before: str
    version: str
    nodes: tuple[Node, ...]
    is_begun: bool = False

    @property
    def is_empty(self) -> bool:
        return self.before == self.version and not self.is_begun


@dataclass(slots=True)
class Upgraded:
    """What was done, and the file that says the version."""

    environment: str
    before: str
    version: str
    file: Path | None = None
    pools: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    waiting: dict[int, str] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "changed": self.file is not None,
            "before": self.before,
            "version": self.version,
            "pools": self.pools,
            "replaced": self.replaced,
            "file": None if self.file is None else str(self.file),
        }


def upgrade_nodes(
    open_environment: Callable[[], LinodeEnvironment],
    own: Path,
    options: UpgradeOptions,
    consent: Callable[[Upgrade], None],
    progress: Progress,
) -> Upgraded:
    """Writes the profile in the directory `own` and upgrades; `open_environment` opens it as it then is.

    Does nothing where all is so already. Raises InvalidInput for a version that is not offered, Refused for one that
    is not the next, where plans bind, under maintenance, and while something is not healthy; what is refused before
    the control plane is another leaves the profile as it was. After that a pod that does not leave is TimedOut, and
    what else fails is Partial; both name the pools that are done and those that are not.
    """
    environment = open_environment()
    refuse_unplanned(environment.profile, None, None)
    if not options.during_maintenance:
        refuse_under_maintenance(environment)
    upgrade = plan_upgrade(environment, options.version)
    upgraded = Upgraded(environment.name, upgrade.before, upgrade.version)
    if upgrade.is_empty and environment.profile.cluster.version == upgrade.version:
        return upgraded
    start = _Start(environment, upgrade.version)
    values: dict[KeyPath, str] = {("cluster", "version"): upgrade.version}
    consent(upgrade)
    with written_profile(own, environment.name, values, start.is_left) as upgraded.file:
        environment = open_environment()
        with working_on_nodes(environment, COMMAND, progress, version=upgrade.version) as work:
            start.is_begun = True
            _carry_out(work, upgraded, options, progress)
    return upgraded


def plan_upgrade(environment: LinodeEnvironment, wanted: str | None) -> Upgrade:
    """Looks; changes nothing. Raises as `upgrade_nodes`."""
    _refuse_enterprise(environment)
    before, nodes = _read_version(environment), list_nodes(environment)
    late = [one for one in nodes if minor_of(one.version) < minor_of(before)]
    is_begun = bool(late) or find_begun(environment.read_state().journals, COMMAND) == before
    offered = list_versions(environment.opened.account, environment.profile.cluster.tier)
    titles = [one.title if one.version else f"{one.title} (not joined)" for one in late]
    version = choose_version(environment.name, before, titles, offered, wanted or (before if is_begun else None))
    if version == before:
        behind = tuple(one for one in late if _is_behind(one, before))
        return Upgrade(environment.name, before, version, behind, is_begun)
    if fault := environment.status().find_fault():
        raise Refused(f"{fault.message}; it is not upgraded so", hint=fault.hint)
    return Upgrade(environment.name, before, version, tuple(nodes))


@dataclass(slots=True)
class _Start:
    """An environment whose version is to be another, and whether that was begun."""

    environment: LinodeEnvironment
    version: str
    is_begun: bool = False

    def is_left(self, _: BaseException) -> bool:
        try:
            return self.is_begun and _read_version(self.environment) == self.version
        except AiasError:
            return True


def _carry_out(work: NodeWork, upgraded: Upgraded, options: UpgradeOptions, say: Progress) -> None:
    upgraded.waiting = {one.pool_id: one.pool for one in work.find_nodes()}
    try:
        _upgrade_plane(work, upgraded, say)
        _take_into_state(work)
        admit_nodes(work, say)
        for pool_id, name in list(upgraded.waiting.items()):
            _upgrade_pool(work, pool_id, upgraded, options, say)
            upgraded.pools.append(name)
            del upgraded.waiting[pool_id]
        admit_nodes(work, say)
    except AiasError as exc:
        raise _stop(exc, upgraded) from exc


def _upgrade_plane(work: NodeWork, upgraded: Upgraded, say: Progress) -> None:
    environment, version = work.environment, upgraded.version
    now = _read_version(environment)
    if now not in (upgraded.before, version):
        raise Conflict(f"Meanwhile the control plane of '{environment.name}' is at {now}")
    path = f"/lke/clusters/{work.cluster_id}"
    if now != version:
        say(f"Upgrading the control plane from {now} to {version}…")
        with work.journal.step("control plane", version=version):
            environment.opened.account.update(path, {"k8s_version": version})
    _wait_until(environment, lambda: _find_late_plane(work, path, version), say)


def _find_late_plane(work: NodeWork, path: str, version: str) -> str | None:
    if (status := work.environment.opened.account.get(path)["status"]) != "ready":
        return f"The cluster is '{status}'"
    runs = work.cluster.call("GET", "/version")["gitVersion"]
    return None if minor_of(runs) == minor_of(version) else f"The control plane runs {runs}"


def _take_into_state(work: NodeWork) -> None:
    """The state would else tell of the old version, which is drift."""
    with work.environment.workshop(work.environment.state, work.lease) as workshop:
        addresses = [one.address for one in workshop.list_resources() if one.type == CLUSTER]
        if addresses:
            keep_profile(work.environment.state, work.lease.fence, work.environment.profile)
            workshop.refresh(addresses)


def _upgrade_pool(work: NodeWork, pool_id: int, upgraded: Upgraded, options: UpgradeOptions, say: Progress) -> None:
    environment, version = work.environment, upgraded.version
    wait_until_healthy(environment, say)
    while behind := [one for one in _find_nodes(work, pool_id) if _is_behind(one, version)]:
        now, later = behind[: options.max_unavailable], behind[options.max_unavailable :]
        replace_nodes(work, now, options.seconds, say)
        upgraded.replaced += [one.title for one in now]
        _wait_for_nodes(work, pool_id, version, {one.id for one in later}, say)
        wait_until_healthy(environment, say)
    _wait_for_nodes(work, pool_id, version, set(), say)


def _wait_for_nodes(work: NodeWork, pool_id: int, version: str, later: set[str], say: Progress) -> None:
    """Returns when all nodes of a pool, but those whose turn is later, have joined, are ready and run the version."""

    def find_late() -> str | None:
        nodes = [one for one in _find_nodes(work, pool_id) if one.id not in later]
        late = [one for one in nodes if not one.is_ready or minor_of(one.version) != minor_of(version)]
        told = (f"'{one.title}' ({one.version or 'not joined'})" for one in late)
        return f"Not ready with {version}: {', '.join(told)}" if late else None

    _wait_until(work.environment, find_late, say)


def _wait_until(environment: LinodeEnvironment, find_late: Callable[[], str | None], say: Progress) -> None:
    """Returns when nothing is late. Raises Partial saying what is after twenty minutes."""
    timing = environment.timing
    deadline = timing.now() + READY_SECONDS
    while late := _ask(find_late):
        if timing.now() >= deadline:
            text = f"{late}, after {READY_SECONDS / 60:.0f} minutes"
            raise Partial(text, hint=f"see what Linode says: aias env events {environment.name}; then {RESUME}")
        say(f"{late}; waiting…")
        timing.sleep(LOOK_SECONDS)


def _ask(find_late: Callable[[], str | None]) -> str | None:
    """A control plane may be silent while it is upgraded."""
    try:
        return find_late()
    except DependencyUnreachable as exc:
        return exc.message


def _stop(exc: AiasError, upgraded: Upgraded) -> AiasError:
    done, left = (", ".join(names) or "none" for names in (upgraded.pools, upgraded.waiting.values()))
    again = f"go on with: aias env nodes upgrade {upgraded.environment} --to {upgraded.version}"
    hint = (exc.hint or f"look with: aias env status {upgraded.environment}").replace(RESUME, again)
    return _kind_of(exc)(
        f"{exc.message}. Pools at {upgraded.version}: {done}; not yet: {left}",
        hint=hint if again in hint else f"{hint}; then {again}",
    )


def _kind_of(exc: AiasError) -> type[AiasError]:
    if isinstance(exc, PrerequisiteMissing) and not isinstance(exc, DependencyUnreachable):
        return PrerequisiteMissing
    return next((kind for kind in _KEPT if isinstance(exc, kind)), Partial)


def _refuse_enterprise(environment: LinodeEnvironment) -> None:
    if environment.profile.cluster.tier == "enterprise":
        raise Refused(
            "Each pool of the tier 'enterprise' has a version of its own, which this does not change",
            hint="upgrade it in Linode's Cloud Manager",
        )


def _read_version(environment: LinodeEnvironment) -> str:
    account = environment.opened.account
    return str(account.get(f"/lke/clusters/{get_cluster_id(environment)}")["k8s_version"])


def _find_nodes(work: NodeWork, pool_id: int) -> list[Node]:
    return [one for one in work.find_nodes() if one.pool_id == pool_id]


def _is_behind(node: Node, version: str) -> bool:
    """One that has not joined tells no version: it is waited for."""
    return bool(node.version) and minor_of(node.version) < minor_of(version)

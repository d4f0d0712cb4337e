"""Removes an environment and proves that it is gone: read back, not believed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core import clock, ids
from aias_core.environments.linode.adoption import BUCKET
from aias_core.environments.linode.belongings import describe, is_own_bucket, list_own
from aias_core.environments.linode.convergence import Convergence
from aias_core.environments.linode.failures import RESUME, Passing
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.inventory import is_of_workload
from aias_core.environments.linode.kinds import KINDS
from aias_core.environments.linode.steps import DOWN, Progress, Steps
from aias_core.environments.linode.transport import Patience
from aias_core.errors import DependencyUnreachable, NotFound, Partial, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.kinds import Resource
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform import Progress as Moved
    from aias_core.environments.linode.terraform_plan import TerraformPlan
    from aias_core.environments.linode.workshop import Workshop
    from aias_core.secrets.cluster import Cluster

COMMAND = "down"
GONE_SECONDS, LOOK_SECONDS = 300.0, 3.0


@dataclass(frozen=True, slots=True)
class DownOptions:
    """`volumes` also removes buckets with what is in them, and the state unless `keep_state`."""

    volumes: bool = False
    keep_state: bool = False
    lock_wait: float = 0


@dataclass(frozen=True, slots=True)
class DownResult:
    """What was removed, what was kept on purpose, and what belongs to nothing afterwards."""

    environment: str
    simulated: bool
    changed: bool
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    orphans: tuple[str, ...]
    seconds: float

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "simulated": self.simulated,
            "changed": self.changed,
            "removed": list(self.removed),
            "kept": list(self.kept),
            "orphans": list(self.orphans),
            "seconds": round(self.seconds, 1),
        }


def take_down(environment: LinodeEnvironment, options: DownOptions, progress: Progress) -> DownResult:
    """See `LinodeEnvironment.down`. Does nothing when there is nothing.

    Raises Refused for a protected environment, LockHeld naming the holder, Partial with the ids of what is still there.
    """
    began = clock.monotonic()
    if environment.profile.protect:
        raise Refused(
            f"'{environment.name}' is protected",
            hint="set 'protect: false' in the profile first, if it is really meant",
        )
    if not _has_anything(environment, options):
        return DownResult(
            environment.name, environment.opened.is_simulated, False, (), (), (), clock.monotonic() - began
        )
    environment.ensure_state_bucket()
    steps, state = Steps(environment.directory, COMMAND, DOWN, progress), environment.state
    with state.held(options.lock_wait, progress, environment.find_actor()) as lease:
        removal = Removal(environment, state, lease, options, steps)
        removal.carry_out()
    steps.save()
    is_forgotten = options.volumes and not options.keep_state
    result = DownResult(
        environment=environment.name,
        simulated=environment.opened.is_simulated,
        changed=True,
        removed=tuple(removal.removed),
        kept=() if is_forgotten else tuple(describe(row) for row in removal.kept),
        orphans=tuple(removal.orphans),
        seconds=clock.monotonic() - began,
    )
    if is_forgotten:
        _forget(environment, state)
    return result


class Removal:
    """One removal under its lease."""

    def __init__(
        self, environment: LinodeEnvironment, state: RemoteState, lease: Lease, options: DownOptions, steps: Steps
    ) -> None:
        self._environment, self._state, self._lease = environment, state, lease
        self._options, self._steps = options, steps
        self.removed: list[str] = []
        self.kept: list[Resource] = []
        self.orphans: list[str] = []

    def carry_out(self) -> None:
        with self._steps.step("lock"):
            journal = self._begin()
        with self._steps.step("state backup") as say:
            self._back_up(journal, say)
        with self._steps.step("workloads") as say:
            self._remove_workloads(journal, say)
        with self._steps.step("infrastructure") as say:
            self._destroy(journal, say)
        with self._steps.step("proof") as say:
            self._prove(say)
        journal.end("succeeded", removed=len(self.removed))

    def _begin(self) -> Journal:
        journal = self._state.journals.find_unfinished(self._lease)
        if journal is not None and journal.command == COMMAND:
            return journal
        if journal is not None:
            journal.end("failed", replaced_by=COMMAND)
        return self._state.journals.begin(str(ids.new_id()), COMMAND, self._lease, volumes=self._options.volumes)

    def _back_up(self, journal: Journal, say: Progress) -> None:
        try:
            with journal.step("state backup") as found:
                found["version"] = self._state.versions.back_up(self._lease).name
        except NotFound:
            say("There is no state to set aside")

    def _remove_workloads(self, journal: Journal, say: Progress) -> None:
        """Services and claims go first, so that the cluster's controllers free their NodeBalancers and volumes."""
        try:
            with open_access(self._environment.opened.account, self._environment.name) as cluster:
                if cluster is None:
                    say("There is no cluster to ask")
                    return
                self._clear(cluster, journal, say)
        except DependencyUnreachable as exc:
            say(f"{exc.message}; what its workloads had in the account is listed as orphans")

    def _clear(self, cluster: Cluster, journal: Journal, say: Progress) -> None:
        paths = list(_iter_claims(cluster))
        if not paths:
            return
        before = self._list_of_workloads()
        with journal.step("workloads", objects=paths):
            for path in paths:
                say(f"Removing '{path}'…")
                cluster.call("DELETE", path)
        self._wait_until(lambda: len(self._list_of_workloads()) < len(before), say)

    def _list_of_workloads(self) -> list[str]:
        account = self._environment.opened.account
        balancers = [row for row in account.list_all(KINDS["nodebalancer"].path) if is_of_workload(row)]
        volumes = [row for row in account.list_all(KINDS["volume"].path) if str(row["label"]).startswith("pvc")]
        return [describe(row) for row in (*balancers, *volumes)]

    def _destroy(self, journal: Journal, say: Progress) -> None:
        patience = Patience(self._environment.timing)
        with self._environment.workshop(self._state, self._lease) as workshop:
            convergence = Convergence(self._environment, workshop, journal, say)
            while True:
                try:
                    convergence.prepare(None)
                    targets = self._choose(workshop)
                    if targets == []:
                        return
                    plan = workshop.plan(destroy=True, targets=targets or ())
                    if plan.is_empty:
                        return
                    self._apply(workshop, plan, journal, say)
                except Passing as exc:
                    say(exc.message)
                    patience.pause(exc.message)

    def _apply(self, workshop: Workshop, plan: TerraformPlan, journal: Journal, say: Progress) -> None:
        def note(moved: Moved) -> None:
            if moved.state == "done":
                self.removed.append(moved.address)
                say(f"removed {moved.address}")

        with journal.step("infrastructure", removes=[one.address for one in plan.deleted]):
            workshop.apply(plan, note)

    def _choose(self, workshop: Workshop) -> list[str] | None:
        """The addresses to remove where buckets with data stay; None for everything."""
        resources = workshop.list_resources()
        full = {f"{row['region']}:{row['label']}" for row in self._list_buckets() if row["objects"]}
        if self._options.volumes or not full:
            return None if resources else []
        return [one.address for one in resources if not (one.type == BUCKET and one.id in full)]

    def _list_buckets(self) -> list[Resource]:
        rows = self._environment.opened.account.list_all(KINDS["bucket"].path)
        return [row for row in rows if is_own_bucket(self._environment, row)]

    def _prove(self, say: Progress) -> None:
        environment = self._environment
        left: list[tuple[str, Resource]] = []

        def is_empty() -> bool:
            left[:] = self._list_left()
            return not left

        self._wait_until(is_empty, say)
        if left:
            raise Partial(
                f"Still there: {', '.join(f'{kind} {describe(row)}' for kind, row in left)}",
                hint=f"see what Linode says: aias env events {environment.name}; then {RESUME}",
            )
        self.kept = self._list_buckets()
        found = environment.opened.hunt_orphans().find().found
        self.orphans = [f"{one.suspect.kind} {one.suspect.label} ({one.suspect.id})" for one in found]
        say(f"Linode answers 404 for {len(self.removed)} resources; {len(self.orphans)} orphans in the account")

    def _list_left(self) -> list[tuple[str, Resource]]:
        return [
            (kind, row)
            for kind, row in list_own(self._environment)
            if kind != "bucket" or (self._options.volumes and row["label"] != self._environment.state_bucket)
        ]

    def _wait_until(self, holds: Callable[[], bool], say: Progress) -> None:
        timing = self._environment.timing
        deadline = timing.now() + GONE_SECONDS
        while not holds() and timing.now() < deadline:
            say("Waiting until Linode has removed it…")
            timing.sleep(LOOK_SECONDS)


def _has_anything(environment: LinodeEnvironment, options: DownOptions) -> bool:
    own = list_own(environment)
    if options.volumes and not options.keep_state and (own or environment.opened.is_simulated):
        return True
    return any(kind != "bucket" or _is_empty_bucket(environment, row) for kind, row in own)


def _is_empty_bucket(environment: LinodeEnvironment, row: Resource) -> bool:
    """Whether a bucket goes as well: it holds nothing and is not that of the state."""
    return not row["objects"] and row["label"] != environment.state_bucket


def _forget(environment: LinodeEnvironment, state: RemoteState) -> None:
    """Removes the state with its bucket; of a simulation all that there is."""
    from aias_core.environments.linode.simulation import stop_simulation

    for key in state.store.list(f"{environment.name}/"):
        state.store.delete(key)
    account = environment.opened.account
    account.delete(f"{KINDS['bucket'].path}/{environment.profile.region}/{environment.state_bucket}")
    if environment.opened.is_simulated:
        stop_simulation(environment.directory, forget=True)
        shutil.rmtree(environment.directory, ignore_errors=True)


def _iter_claims(cluster: Cluster) -> Iterator[str]:
    for service in cluster.call("GET", "/api/v1/services")["items"]:
        if service.get("spec", {}).get("type") == "LoadBalancer":
            yield f"/api/v1/namespaces/{service['metadata']['namespace']}/services/{service['metadata']['name']}"
    for claim in cluster.call("GET", "/api/v1/persistentvolumeclaims")["items"]:
        metadata = claim["metadata"]
        yield f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}"

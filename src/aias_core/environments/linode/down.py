"""Removes an environment and proves that it is gone: read back, not believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.linode.adoption import is_known, list_paths
from aias_core.environments.linode.belongings import describe, list_own
from aias_core.environments.linode.convergence import Convergence
from aias_core.environments.linode.failures import RESUME, Passing
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.keeping import list_paths_of, list_staying
from aias_core.environments.linode.kinds import KINDS
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.removal_plan import COMMAND, begin_removal, check_removal, refuse_protection
from aias_core.environments.linode.steps import DOWN, Progress, Steps
from aias_core.environments.linode.transport import Patience
from aias_core.environments.linode.workloads import GONE_SECONDS, LOOK_SECONDS, Workloads
from aias_core.errors import DependencyUnreachable, NotFound, Partial

if TYPE_CHECKING:
    from pathlib import Path

    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.keeping import Row
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform import Progress as Moved
    from aias_core.environments.linode.terraform_plan import TerraformPlan
    from aias_core.environments.linode.workshop import Workshop

_DATA = ("database", "bucket", "vpc")


@dataclass(frozen=True, slots=True)
class DownOptions:
    """`volumes` also removes what holds data: database, volumes, full buckets; and the state unless `keep_state`."""

    volumes: bool = False
    keep_state: bool = False
    lock_wait: float = 0
    plan_id: str | None = None
    ticket: str | None = None

    def as_details(self) -> dict[str, Any]:
        """What the journal keeps of it."""
        told = {"plan": self.plan_id, "ticket": self.ticket}
        return {"volumes": self.volumes, **{name: value for name, value in told.items() if value}}


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

    Raises Refused for a protected environment, LockHeld naming the holder, Partial with the ids of what is still there,
    and as `check_removal`.
    """
    began = clock.monotonic()
    refuse_protection(environment.profile)
    if not _has_anything(environment, options):
        return DownResult(
            environment.name, environment.opened.is_simulated, False, (), (), (), clock.monotonic() - began
        )
    actor = environment.find_actor()
    check_removal(environment, options, environment.read_state().journals.find_unfinished(ONLOOKER), actor)
    environment.ensure_state_bucket()
    steps, state = Steps(environment.directory, COMMAND, DOWN, progress), environment.state
    with state.held(options.lock_wait, progress, actor) as lease:
        removal = Removal(environment, state, lease, options, steps)
        removal.carry_out()
    steps.save()
    is_forgotten = options.volumes and not options.keep_state
    result = DownResult(
        environment=environment.name,
        simulated=environment.opened.is_simulated,
        changed=True,
        removed=tuple(removal.removed),
        kept=() if is_forgotten else tuple(f"{kind} {describe(row)}" for kind, row in removal.kept),
        orphans=tuple(removal.orphans),
        seconds=clock.monotonic() - began,
    )
    if is_forgotten:
        _forget(environment, state)
    return result


def find_removed(name: str, state_root: Path) -> DownResult | None:
    """The result of a removal that has been done: that of a simulation, whose account is gone and its token with it.

    A second `down` must not go to a real environment of the same name.
    """
    from aias_core.environments.linode.simulation import is_over

    return DownResult(name, True, False, (), (), (), 0.0) if is_over(state_root / name) else None


class Removal:
    """One removal under its lease."""

    def __init__(
        self, environment: LinodeEnvironment, state: RemoteState, lease: Lease, options: DownOptions, steps: Steps
    ) -> None:
        self._environment, self._state, self._lease = environment, state, lease
        self._options, self._steps = options, steps
        self.removed: list[str] = []
        self.kept: list[Row] = []
        self.orphans: list[str] = []

    def carry_out(self) -> None:
        with self._steps.step("lock"):
            journal = begin_removal(self._environment, self._state, self._lease, self._options)
        with self._steps.step("state backup") as say:
            self._back_up(journal, say)
        with self._steps.step("workloads") as say:
            self._remove_workloads(journal, say)
        with self._steps.step("infrastructure") as say:
            self._remove_unready_cluster(journal, say)
            self._destroy(journal, say)
            self.removed += Workloads(self._environment, journal, say).settle_volumes(removes=self._options.volumes)
        with self._steps.step("proof") as say:
            self._prove(say)
        journal.end("succeeded", removed=len(self.removed))

    def _back_up(self, journal: Journal, say: Progress) -> None:
        try:
            with journal.step("state backup") as found:
                found["version"] = self._state.versions.back_up(self._lease).name
        except NotFound:
            say("There is no state to set aside")

    def _remove_workloads(self, journal: Journal, say: Progress) -> None:
        """What the cluster's controllers alone can free, or tell of, comes before the cluster goes."""
        try:
            with open_access(self._environment.opened.account, self._environment.name) as cluster:
                if cluster is None:
                    say("There is no cluster to ask")
                    return
                Workloads(self._environment, journal, say).release(cluster)
        except DependencyUnreachable as exc:
            say(f"{exc.message}; what its workloads had in the account is listed as orphans")

    def _remove_unready_cluster(self, journal: Journal, say: Progress) -> None:
        """Terraform reads a cluster with its kubeconfig, which one that is not ready does not have."""
        account = self._environment.opened.account
        for kind, row in list_own(self._environment, ("cluster",)):
            if row["status"] == "ready":
                continue
            path, title = f"{KINDS[kind].path}/{row['id']}", f"{kind} {describe(row)}"
            say(f"Removing the {title}, which is not ready…")
            with journal.step(f"remove {title}", id=row["id"]):
                account.delete(path)
                account.wait_until_gone(path)
            self.removed.append(title)

    def _destroy(self, journal: Journal, say: Progress) -> None:
        patience = Patience(self._environment.timing, first_try_counts=False)
        with self._environment.workshop(self._state, self._lease, empties_buckets=self._options.volumes) as workshop:
            convergence = Convergence(self._environment, workshop, journal, say)
            while True:
                try:
                    convergence.prepare(None)
                    self._keep(workshop, journal, say)
                    if not workshop.list_resources():
                        return
                    plan = workshop.plan(destroy=True)
                    if plan.is_empty:
                        return self._forget_gone(workshop, journal)
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

    def _forget_gone(self, workshop: Workshop, journal: Journal) -> None:
        """Of a deletion whose answer was lost, Terraform sees that there is nothing left to do, and stores nothing."""
        for one in workshop.list_resources():
            with journal.step(f"forget {one.address}", id=one.id):
                workshop.forget(one.address)
            self.removed.append(one.address)

    def _keep(self, workshop: Workshop, journal: Journal, say: Progress) -> None:
        """Takes what stays out of the state; the next `up` takes it over again.

        Terraform would remove the database with the cluster: its access list depends on the nodes, and a target
        takes what depends on it along.
        """
        if self._options.volumes:
            return
        staying = list_staying(self._environment, list_own(self._environment, _DATA), volumes=False)
        paths = list_paths_of(staying)
        for one in workshop.list_resources():
            if is_known(one.type) and list_paths(one.type, one.attributes) in paths:
                say(f"Keeping '{one.address}' ({one.id})")
                with journal.step(f"keep {one.address}", id=one.id):
                    workshop.forget(one.address)
        self._close_database(staying, journal)

    def _close_database(self, staying: list[Row], journal: Journal) -> None:
        """Addresses of nodes that are gone may be anybody's soon."""
        for kind, row in staying:
            if kind == "database" and row["allow_list"] and row["status"] == "active":
                with journal.step("allow list", addresses=[]):
                    self._environment.opened.account.update(f"{KINDS[kind].path}/{row['id']}", {"allow_list": []})

    def _prove(self, say: Progress) -> None:
        environment = self._environment
        left: list[Row] = []

        def is_empty() -> bool:
            left[:] = self._list_left()
            return not left

        self._wait_until(is_empty, say)
        if left:
            raise Partial(
                f"Still there: {', '.join(f'{kind} {describe(row)}' for kind, row in left)}",
                hint=f"see what Linode says: aias env events {environment.name}; then {RESUME}",
            )
        found = environment.opened.hunt_orphans().find().found
        self.orphans = [f"{one.suspect.kind} {one.suspect.label} ({one.suspect.id})" for one in found]
        say(f"Linode answers 404 for {len(self.removed)} resources; {len(self.orphans)} orphans in the account")

    def _list_left(self) -> list[Row]:
        """What is neither gone nor to be kept; notes what is kept."""
        own = list_own(self._environment)
        self.kept = list_staying(self._environment, own, volumes=self._options.volumes)
        return [one for one in own if one not in self.kept]

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
    if len(own) > len(list_staying(environment, own, volumes=options.volumes)):
        return True
    # Volumes that bear no tags are known to the journal alone.
    journal = environment.read_state().journals.find_unfinished(ONLOOKER)
    return journal is not None and journal.command == COMMAND


def _forget(environment: LinodeEnvironment, state: RemoteState) -> None:
    """Removes the state with its bucket; of a simulation all that there is."""
    from aias_core.environments.linode.simulation import remove_simulation

    for key in state.store.list(f"{environment.name}/"):
        state.store.delete(key)
    account = environment.opened.account
    account.delete(f"{KINDS['bucket'].path}/{environment.profile.region}/{environment.state_bucket}")
    if environment.opened.is_simulated:
        remove_simulation(environment.directory)

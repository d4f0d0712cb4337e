"""Makes an environment what its profile says, from wherever it is now, and changes nothing the second time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core import clock, ids
from aias_core.environments.linode.approvals import build_policy, refuse_unplanned
from aias_core.environments.linode.convergence import Convergence
from aias_core.environments.linode.failures import RESUME
from aias_core.environments.linode.inside import (
    apply_manifest,
    build_manifests,
    compare_inside,
    open_access,
    remove_object,
)
from aias_core.environments.linode.kept_profiles import digest_profile, keep_profile
from aias_core.environments.linode.maintenance import refuse_under_maintenance
from aias_core.environments.linode.plan import EnvironmentPlan, Survey
from aias_core.environments.linode.status import wait_until_healthy
from aias_core.environments.linode.steps import UP, Progress, Steps
from aias_core.environments.linode.transport import Patience
from aias_core.errors import AiasError, DependencyUnreachable, NotFound, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.schema import LinodeProfile
    from aias_core.secrets.cluster import Cluster

COMMAND = "up"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """How a run is done: how long it waits for the lease, and whether it only goes on with an unfinished one."""

    lock_wait: float = 0
    resume: bool = False
    plan_id: str | None = None
    change: str | None = None
    during_maintenance: bool = False
    rollback_to: str | None = None

    def as_details(self) -> dict[str, Any]:
        """What the journal keeps of it."""
        told = {"plan": self.plan_id, "change": self.change, "rollback": self.rollback_to}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class UpResult:
    """What a run did."""

    environment: str
    simulated: bool
    changed: bool
    resumed: bool
    run_id: str | None
    seconds: float
    counts: dict[str, int]
    monthly: str
    notes: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "simulated": self.simulated,
            "changed": self.changed,
            "resumed": self.resumed,
            "run_id": self.run_id,
            "seconds": round(self.seconds, 1),
            "counts": self.counts,
            "monthly": self.monthly,
            "notes": list(self.notes),
        }


def bring_up(
    environment: LinodeEnvironment,
    options: UpOptions,
    consent: Callable[[EnvironmentPlan], None],
    progress: Progress,
) -> UpResult:
    """See `LinodeEnvironment.up`.

    Raises what `take_survey` and `consent` raise before anything is changed, LockHeld naming the holder, LimitReached
    after what this run made is removed, and Partial for what passes by itself: then the same command goes on.
    """
    began, steps = clock.monotonic(), Steps(environment.directory, COMMAND, UP, progress)
    with steps.step("preflight"):
        survey = environment.survey(writes=True)
    if options.resume:
        check_unfinished(environment.name, survey.unfinished)
    if survey.plan.is_empty and survey.terraform.is_empty and survey.unfinished is None:
        return _result(environment, survey, None, began)
    if not options.during_maintenance:
        refuse_under_maintenance(environment)
    actor = environment.find_actor()
    _check_plan(environment, options, survey, actor)
    consent(survey.plan)
    environment.ensure_state_bucket()
    state = environment.state
    with state.held(options.lock_wait, progress, actor) as lease:
        run = Run(environment, state, lease, survey, options, steps)
        run.carry_out()
    steps.save()
    return _result(environment, survey, run, began)


@dataclass(slots=True)
class Run:
    """One run under its lease."""

    environment: LinodeEnvironment
    state: RemoteState
    lease: Lease
    survey: Survey
    options: UpOptions
    steps: Steps
    notes: list[str] = field(default_factory=list)
    resumed: bool = False
    journal: Journal = field(init=False)

    def carry_out(self) -> None:
        with self.steps.step("lock") as say:
            self.journal = self._begin(say)
            keep_profile(self.state, self.lease.fence, self.environment.profile)
        with self.steps.step("infrastructure") as say:
            self._converge(say)
        with ExitStack() as access:
            with self.steps.step("cluster access"):
                opened = open_access(self.environment.opened.account, self.environment.name)
                cluster = access.enter_context(opened)
            self._finish_inside(cluster)
        self.journal.end("succeeded")

    def _begin(self, say: Progress) -> Journal:
        before, profile = self.state.journals.find_unfinished(self.lease), self.environment.profile
        self.resumed = _is_agreed(before, self.options, profile)
        if before is not None and self.resumed:
            unproven = [entry.step for entry in before.unproven()]
            say(f"Going on with the run {before.run_id} at '{unproven[0] if unproven else 'its end'}'")
            return before
        run_id = str(ids.new_id())
        self._use_plan(run_id)
        if before is not None:
            before.end("failed", replaced_by=COMMAND)
        details = {**self.options.as_details(), "profile": digest_profile(profile)}
        return self.state.journals.begin(run_id, COMMAND, self.lease, **details)

    def _use_plan(self, run_id: str) -> None:
        """What was unfinished when it was looked at may have been finished since: then it is no consent any more."""
        refuse_unplanned(self.environment.profile, self.options.plan_id, self.options.change)
        if self.options.plan_id is not None:
            how_to_save = self.survey.plan.how_to_save
            self.environment.plan_shelf.mark_applied(self.options.plan_id, run_id, how_to_save)

    def _converge(self, say: Progress) -> None:
        with self.environment.workshop(self.state, self.lease) as workshop:
            convergence = Convergence(self.environment, workshop, self.journal, say)
            try:
                convergence.converge(self.survey.plan, self._first_plan())
            except AiasError as exc:
                if exc.code == "limit_reached":
                    self.journal.end("failed", cause=exc.message)
                raise

    def _first_plan(self) -> Any:
        """The surveyed plan, where nothing has to be repaired or adopted first and the state is still that one."""
        plan, newest = self.survey.plan, self.state.versions.find_newest()
        is_fresh = newest == self.survey.newest and self.survey.unfinished is None
        return self.survey.terraform if is_fresh and not (plan.repaired or plan.adopted) else None

    def _finish_inside(self, cluster: Cluster | None) -> None:
        if cluster is None:
            raise Partial(f"The cluster of '{self.environment.name}' is not ready", hint=RESUME)
        with self.steps.step("namespaces") as say:
            self._patiently(lambda: self._apply_inside(cluster, say))
        with self.steps.step("secrets") as say:
            self._patiently(lambda: self._deliver_secrets(cluster, say))
        with self.steps.step("health") as say:
            wait_until_healthy(self.environment, say)
        with self.steps.step("state backup"), self.journal.step("state backup") as found:
            found["version"] = self.state.versions.back_up(self.lease).name

    def _apply_inside(self, cluster: Cluster, say: Progress) -> None:
        inside = compare_inside(cluster, build_manifests(self.environment.profile), self.environment.name)
        if inside.is_settled:
            return
        with self.journal.step("namespaces", objects=inside.count()):
            for manifest in inside.changed:
                apply_manifest(cluster, manifest)
            for manifest in inside.surplus:
                remove_object(cluster, manifest)
        say(inside.describe())

    def _deliver_secrets(self, cluster: Cluster, say: Progress) -> None:
        from aias_core.environments.linode.secrets import declare_secrets
        from aias_core.secrets.bootstrap import bootstrap_secrets, find_missing

        try:
            cluster.list_sealing_keys()
        except NotFound:
            self.notes.append("The sealed-secrets controller is not installed, so no secret was delivered.")
            return
        with self.journal.step("secrets"):
            outcomes = bootstrap_secrets(
                declare_secrets(self.environment.profile, self.environment.directory), cluster, say
            )
        if missing := find_missing(outcomes):
            self.notes.append(f"{missing.message}; {missing.hint}")

    def _patiently(self, act: Callable[[], None]) -> None:
        patience = Patience(self.environment.timing)
        while True:
            try:
                return act()
            except DependencyUnreachable as exc:
                patience.pause(exc.message)


def check_unfinished(name: str, run: Journal | None) -> Journal:
    """The run of an environment that can be gone on with or cleaned up. Raises NotFound unless it is an `up`."""
    if run is None or run.command != COMMAND:
        raise NotFound(
            f"'{name}' has no run of 'aias env up' that was not finished",
            hint=f"see what there is to do: aias env plan {name}",
        )
    return run


def _check_plan(environment: LinodeEnvironment, options: UpOptions, survey: Survey, actor: str) -> None:
    """A run that is only gone on with has had its consent."""
    if _is_agreed(survey.unfinished, options, environment.profile):
        return
    refuse_unplanned(environment.profile, options.plan_id, options.change)
    if options.plan_id is not None:
        shelf = environment.plan_shelf
        shelf.check_consent(shelf.check(options.plan_id, survey.plan), build_policy(environment.profile), actor)


def _is_agreed(run: Journal | None, options: UpOptions, profile: LinodeProfile) -> bool:
    """Whether this is only the rest of an unfinished `up`, or of the same rollback.

    Another saved plan begins a run of its own; where plans bind, the rest is that of the profile that was agreed to.
    """
    if run is None or run.command != COMMAND or run.details.get("rollback") != options.rollback_to:
        return False
    if options.plan_id not in (None, run.details.get("plan")):
        return False
    is_bound = options.plan_id is not None or build_policy(profile).required
    return not is_bound or run.details.get("profile") == digest_profile(profile)


def _result(environment: LinodeEnvironment, survey: Survey, run: Run | None, began: float) -> UpResult:
    return UpResult(
        environment=environment.name,
        simulated=survey.plan.simulated,
        changed=run is not None,
        resumed=run is not None and run.resumed,
        run_id=run.journal.run_id if run else None,
        seconds=clock.monotonic() - began,
        counts=survey.plan.count(),
        monthly=survey.plan.cost.as_record()["after_monthly"],
        notes=tuple(run.notes) if run else (),
    )

"""Makes an environment what it was at an earlier version of its state: by that state and the profile of that time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aias_core import clock, ids
from aias_core.environments.keypath import format_path, iter_leaves
from aias_core.environments.linode.approvals import refuse_unplanned
from aias_core.environments.linode.kept_profiles import get_profile
from aias_core.environments.linode.maintenance import refuse_under_maintenance
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.steps import ROLLBACK, Progress, Steps
from aias_core.environments.linode.terraform_state import add_later
from aias_core.environments.linode.up import COMMAND as UP
from aias_core.environments.linode.up import Run, UpOptions
from aias_core.errors import Conflict

if TYPE_CHECKING:
    from aias_core.environments.linode.drift import Drift
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.plan import EnvironmentPlan, Survey
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.states import Restored
    from aias_core.environments.linode.target import LinodeEnvironment

COMMAND = "rollback"


@dataclass(frozen=True, slots=True)
class RollbackOptions:
    """Which version, and the change that this is part of."""

    to: str
    change: str
    lock_wait: float = 0
    during_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Rolled:
    """What was done: how long each step took, what the state and the account differed in, and what the profile says
    now that it did not say then."""

    environment: str
    simulated: bool
    options: RollbackOptions
    run_id: str
    restored: Restored
    refreshed: list[dict[str, Any]]
    plan: EnvironmentPlan
    drift: Drift
    profile_differs: list[str]
    times: dict[str, float]
    seconds: float

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "simulated": self.simulated,
            "to": self.options.to,
            "change": self.options.change,
            "run_id": self.run_id,
            "state": self.restored.as_record(),
            "refreshed": self.refreshed,
            "counts": self.plan.count(),
            "drift": self.drift.severity,
            "profile_differs": self.profile_differs,
            "steps": [{"step": name, "seconds": round(took, 1)} for name, took in self.times.items()],
            "seconds": round(self.seconds, 1),
        }


def roll_back(
    environment: LinodeEnvironment,
    options: RollbackOptions,
    consent: Callable[[EnvironmentPlan], None],
    progress: Progress,
) -> Rolled:
    """See `LinodeEnvironment.rollback`.

    Raises NotFound for a version, or for its profile, that is not kept, Refused where an environment is changed by
    saved plans only, and otherwise as `up`; what fails on the way is gone on with by the same command.
    """
    refuse_unplanned(environment.profile, None, options.change)
    began, steps = clock.monotonic(), Steps(environment.directory, COMMAND, ROLLBACK, progress)
    if not options.during_maintenance:
        refuse_under_maintenance(environment)
    state = environment.read_state()
    then = _with_profile(environment, state, options.to)
    with steps.step("preflight"):
        survey = then.survey(writes=True)
    consent(survey.plan)
    with state.held(options.lock_wait, progress, environment.find_actor()) as lease:
        with steps.step("restore") as say:
            restored = _restore(state, lease, options)
            refreshed = _refresh(then, state, lease, say)
        run = Run(then, state, lease, _forget_order(survey), _up_options(options), steps)
        run.carry_out()
    with steps.step("drift"):
        drift = then.drift()
    steps.save()
    return Rolled(
        environment=environment.name,
        simulated=environment.opened.is_simulated,
        options=options,
        run_id=run.journal.run_id,
        restored=restored,
        refreshed=refreshed,
        plan=survey.plan,
        drift=drift,
        profile_differs=_compare_profiles(environment, then),
        times=steps.times,
        seconds=clock.monotonic() - began,
    )


def _with_profile(environment: LinodeEnvironment, state: RemoteState, name: str) -> LinodeEnvironment:
    profile = get_profile(state, state.versions.get(name))
    return replace(environment, opened=replace(environment.opened, profile=profile))


def _up_options(options: RollbackOptions) -> UpOptions:
    return UpOptions(change=options.change, rollback_to=options.to, during_maintenance=options.during_maintenance)


def _forget_order(survey: Survey) -> Survey:
    """The surveyed plan was made on another state; what it agreed to holds."""
    return replace(survey, newest=None)


def _restore(state: RemoteState, lease: Lease, options: RollbackOptions) -> Restored:
    """The chosen version, and in it also what was made since: else that would be billed and known to nobody.

    The journal knows of it before; the run goes on in it.
    """
    journal = _begin(state, lease, options)
    with journal.step("restore", version=options.to):
        return state.versions.restore(options.to, lease, add_later)


def _begin(state: RemoteState, lease: Lease, options: RollbackOptions) -> Journal:
    before = state.journals.find_unfinished(lease)
    if before is not None and before.details.get("rollback") == options.to:
        return before
    if before is not None:
        before.end("failed", replaced_by=COMMAND)
    return state.journals.begin(str(ids.new_id()), UP, lease, **_up_options(options).as_details())


def refuse_half_rolled_back(environment: LinodeEnvironment) -> None:
    """Raises Conflict while a rollback is not finished: to go on with it by the profile of today would undo it."""
    journal = environment.read_state().journals.find_unfinished(ONLOOKER)
    if journal is not None and (version := journal.details.get("rollback")):
        change = journal.details.get("change", "ID")
        way_out = "" if environment.profile.protect else f"; or give it up: aias env up {environment.name} --cleanup"
        raise Conflict(
            f"The rollback to '{version}' was not finished",
            hint=f"finish it: aias env rollback {environment.name} --to {version} --change {change}{way_out}",
        )


def _refresh(then: LinodeEnvironment, state: RemoteState, lease: Lease, say: Progress) -> list[dict[str, Any]]:
    with then.workshop(state, lease) as workshop:
        moved = workshop.look().drift
    for one in moved:
        say(f"{one.address} is not as that version says: {', '.join(one.changed_attributes) or 'it is gone'}")
    return [{"address": one.address, "attributes": list(one.changed_attributes)} for one in moved]


def _compare_profiles(now: LinodeEnvironment, then: LinodeEnvironment) -> list[str]:
    """The keys that the profile of today sets otherwise: the next `up` would undo the rollback there."""
    old, new = (dict(iter_leaves(one.profile.model_dump(mode="json"))) for one in (then, now))
    return sorted(format_path(path) for path in {*old, *new} if old.get(path) != new.get(path))

"""What would change about an environment: by effect, with dangers apart, its price, and what stands in the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.adoption import LOOKED_AFTER, Existing, find_existing, iter_creations
from aias_core.environments.linode.checks import unknown
from aias_core.environments.linode.dangers import Danger, find_dangers, refuse_protected
from aias_core.environments.linode.inside import Inside, build_manifests, compare_inside, open_access
from aias_core.environments.linode.kept_profiles import digest_profile
from aias_core.environments.linode.plan_cost import PlanCost, price_plan
from aias_core.environments.linode.preflight import run_preflight
from aias_core.environments.linode.prices import read_prices
from aias_core.errors import AiasError, Conflict, DependencyUnreachable, DifferenceFound, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.checks import Check
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.states import Version
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform_plan import ResourceChange, TerraformPlan
    from aias_core.environments.linode.workshop import Workshop

_TAINTED = ("tainted",)


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """What would change. `repaired` are resources that Terraform would replace and that are looked at instead."""

    environment: str
    simulated: bool
    changes: tuple[ResourceChange, ...]
    repaired: tuple[ResourceChange, ...]
    adopted: tuple[Existing, ...]
    dangers: tuple[Danger, ...]
    inside: Inside
    cost: PlanCost
    checks: tuple[Check, ...]
    serial: int
    profile_sha256: str

    @property
    def kind(self) -> str:
        """The command that carries it out."""
        return "up"

    @property
    def how_to_save(self) -> str:
        """The command that saves it again."""
        return f"aias env plan {self.environment} --save"

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.repaired or self.adopted) and self.inside.is_settled

    @property
    def sha256(self) -> str:
        """Of everything that is changed and of the profile, for those who agree to it."""
        content = {
            "profile": self.profile_sha256,
            "changes": [[one.address, one.actions, one.before, one.after] for one in self.changes],
            "repaired": [one.address for one in self.repaired],
            "adopted": [one.as_record() for one in self.adopted],
            "inside": self.inside.as_content(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def count(self) -> dict[str, int]:
        """How many resources each effect touches."""
        effects = [_effect(one) for one in self.changes]
        return {name: effects.count(name) for name in ("create", "update", "replace", "delete")}

    def rows(self) -> list[dict[str, Any]]:
        """Each change: its effect, address and the attributes that change."""
        return list(self._iter_rows())

    def find_difference(self) -> AiasError | None:
        """The error that says that there is something to do, or that nobody knows; None when there is nothing."""
        if self.is_empty:
            return None
        if not (self.rows() or self.inside.changed or self.inside.surplus):
            return DependencyUnreachable(
                f"Whether '{self.environment}' is as its profile says is not known: {self.inside.fault}",
                hint=f"look with: aias env status {self.environment}",
            )
        return DifferenceFound(
            f"'{self.environment}' is not as its profile says: {summarize(self.count())}; "
            f"inside the cluster: {self.inside.describe()}",
            hint=f"bring it there with: aias env up {self.environment}",
        )

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "simulated": self.simulated,
            "sha256": self.sha256,
            "state_serial": self.serial,
            "profile_sha256": self.profile_sha256,
            "counts": self.count(),
            "changes": self.rows(),
            "dangers": [one.as_record() for one in self.dangers],
            "adopted": [one.as_record() for one in self.adopted],
            "inside": self.inside.count(),
            "cost": self.cost.as_record(),
            "checks": [check.as_record() for check in self.checks],
        }

    def _iter_rows(self) -> Iterator[dict[str, Any]]:
        order = ("create", "update", "replace", "delete")
        for change in sorted(self.changes, key=lambda one: (order.index(_effect(one)), one.address)):
            names = list(change.replace_reasons or change.changed_attributes) if change.before else []
            yield {"effect": _effect(change), "address": change.address, "attributes": names}
        yield from ({"effect": "repair", "address": one.address, "attributes": []} for one in self.repaired)
        yield from ({"effect": "adopt", "address": one.address, "attributes": [one.identifier]} for one in self.adopted)


@dataclass(frozen=True, slots=True)
class Survey:
    """A plan with what it takes to carry it out: Terraform's own, the newest version of the state, a run to resume."""

    plan: EnvironmentPlan
    terraform: TerraformPlan
    newest: Version | None
    unfinished: Journal | None


def take_survey(environment: LinodeEnvironment, *, writes: bool) -> Survey:
    """Looks at account, state and cluster; writes nothing. `writes` asks for a token with which it can be carried out.

    Raises what the preflight finds, Refused for what a protected environment must not lose, Conflict for names that
    are taken and for a state that is missing while resources are there, and what Terraform fails with.
    """
    opened, state = environment.opened, environment.read_state()
    caller = environment.find_caller()
    preflight = run_preflight(opened.account, opened.profile, opened.directory, caller=caller, writes=writes)
    if fault := preflight.find_fault():
        raise fault
    newest, unfinished = state.versions.find_newest(), state.journals.find_unfinished(ONLOOKER)
    with environment.workshop(state, None) as workshop:
        found = workshop.plan()
        plan = build_plan(environment, workshop, found, preflight.checks)
    if unfinished is None:
        _refuse_lost_state(plan, workshop)
    return Survey(plan, found, newest, unfinished)


def build_plan(
    environment: LinodeEnvironment, workshop: Workshop, found: TerraformPlan, checks: list[Check]
) -> EnvironmentPlan:
    """The plan of an environment around Terraform's. Raises as `take_survey`."""
    opened = environment.opened
    repaired = tuple(one for one in found.changes if _is_repair(one))
    changes = tuple(one for one in found.changes if one.is_change and one not in repaired)
    dangers = find_plan_dangers(found)
    if opened.profile.protect:
        refuse_protected(dangers, opened.name)
    adopted = tuple(find_existing(opened.account, list(iter_creations(changes)), opened.name))
    made_anew = {one.address for one in adopted if one.is_adoptable}
    newest, inside = workshop.state.versions.find_newest(), _look_inside(environment)
    prices = read_prices(opened.account, opened.directory)
    return EnvironmentPlan(
        environment=opened.name,
        simulated=opened.is_simulated,
        changes=tuple(one for one in changes if one.address not in made_anew),
        repaired=repaired,
        adopted=adopted,
        dangers=dangers,
        inside=inside,
        cost=price_plan(found, opened.profile.region, prices, made_anew),
        checks=(*checks, *([unknown("inside the cluster", inside.fault)] if inside.fault else [])),
        serial=newest.serial if newest else 0,
        profile_sha256=digest_profile(opened.profile),
    )


def find_plan_dangers(found: TerraformPlan) -> tuple[Danger, ...]:
    """The dangers of what of Terraform's plan is really done; what is only repaired is none."""
    return tuple(find_dangers([one for one in found.changes if not _is_repair(one)]))


def refuse_widened(agreed: EnvironmentPlan, now: EnvironmentPlan) -> None:
    """Raises Conflict when what would be done holds a danger that nobody agreed to."""
    refuse_new_dangers(agreed, now.dangers)


def refuse_new_dangers(agreed: EnvironmentPlan, dangers: Iterable[Danger]) -> None:
    """Raises Conflict for a danger that is not among those that were agreed to."""
    known = {(one.address, one.what) for one in agreed.dangers}
    new = [one for one in dangers if (one.address, one.what) not in known]
    if new:
        raise Conflict(
            f"Meanwhile more would happen than was agreed to: {'; '.join(f'{one.name}: {one.what}' for one in new)}",
            hint=f"look again with: aias env plan {agreed.environment}",
        )


def _look_inside(environment: LinodeEnvironment) -> Inside:
    """What differs; a control plane that does not answer may be what the plan mends, so it stops nothing."""
    manifests = build_manifests(environment.profile)
    try:
        with open_access(environment.opened.account, environment.name) as cluster:
            return compare_inside(cluster, manifests, environment.name)
    except (DependencyUnreachable, Partial) as exc:
        return Inside([], [], fault=exc.message)


def _refuse_lost_state(plan: EnvironmentPlan, workshop: Workshop) -> None:
    if plan.adopted and workshop.state.versions.find_newest() is None:
        names = ", ".join(f"'{one.label}'" for one in plan.adopted)
        raise Conflict(
            f"'{plan.environment}' has no state, and these are in the account: {names}",
            hint=f"restore the state: aias env state restore {plan.environment} --to VERSION; "
            f"or take them over: aias env import {plan.environment}",
        )


def _is_repair(change: ResourceChange) -> bool:
    """Whether it is only untainted: what `Convergence` looks after is never replaced for having been seen half made."""
    return change.replace_reasons == _TAINTED and change.type in LOOKED_AFTER


def _effect(change: ResourceChange) -> str:
    return "replace" if change.is_replacement else change.actions[0]


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Reads journals and writes none."""

    fence: int = 0

    def check(self) -> None:
        raise Conflict("This run only looks")


def summarize(counts: Mapping[str, int]) -> str:
    """How many resources each effect touches, in words."""
    return ", ".join(f"{number} to {name}" for name, number in counts.items() if number) or "nothing to change"


ONLOOKER = Onlooker()

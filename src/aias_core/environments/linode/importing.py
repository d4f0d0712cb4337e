"""Takes what is in the account and bears an environment's name and tags into its state, and tells the profile of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core import ids
from aias_core.environments.linode.adoption import BUCKET, Existing, find_existing, iter_creations
from aias_core.environments.linode.matching import describe_instances, format_settings, list_settings
from aias_core.errors import Conflict, DifferenceFound, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform_plan import ResourceChange, TerraformPlan
    from aias_core.environments.linode.workshop import Workshop

COMMAND = "import"


@dataclass(slots=True)
class Imported:
    """What was taken over, the profile that matches what there is, and what of it ours says otherwise."""

    environment: str
    adopted: list[Existing] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=dict)
    differs: list[dict[str, str]] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "adopted": [one.as_record() for one in self.adopted],
            "keys_to_renew": self.keys,
            "profile": self.profile,
            "differs": self.differs,
        }

    def find_difference(self) -> DifferenceFound | None:
        """The error that says that the profile is not that of what there is."""
        if not self.differs:
            return None
        return DifferenceFound(
            f"What is there is not as the profile of '{self.environment}' says: {len(self.differs)} resources differ",
            hint=f"write the printed values into the profile, or change what is there: aias env up {self.environment}",
        )


def import_environment(
    environment: LinodeEnvironment, consent: Callable[[Sequence[Existing]], None], progress: Progress
) -> Imported:
    """Takes over what is ours and in no state, after `consent`; nothing in the account is changed.

    Keys of object storage cannot be taken over, as their secret was told once; the next `up` makes them anew. Raises
    Conflict for a name that somebody else has, and while another run is not finished; LockHeld.
    """
    with environment.workshop(environment.read_state(), None) as workshop:
        existing = _find(environment, workshop.plan())
    if adoptable := [one for one in existing if one.is_adoptable]:
        consent(adoptable)
    imported = Imported(environment.name, keys=[one.label for one in existing if not one.is_adoptable])
    environment.ensure_state_bucket()
    state = environment.state
    with state.held(0, progress, environment.find_actor()) as lease:
        before = state.journals.find_unfinished(lease)
        if before is not None and before.command != COMMAND:
            raise Conflict(
                f"The run {before.run_id} ('{before.command}') was not finished",
                hint=f"finish it first: aias env {before.command} {environment.name}",
            )
        journal = before or state.journals.begin(str(ids.new_id()), COMMAND, lease)
        with environment.workshop(state, lease) as workshop:
            plan = _adopt_all(environment, workshop, journal, imported, progress)
            _describe(workshop, plan, imported)
        journal.end("succeeded", adopted=len(imported.adopted))
    return imported


def _adopt_all(
    environment: LinodeEnvironment, workshop: Workshop, journal: Any, imported: Imported, progress: Progress
) -> TerraformPlan:
    """Until a plan makes nothing that is there: what belongs to something is found when that is known."""
    seen: set[str] = set()
    while True:
        plan = workshop.plan()
        found = [one for one in _find(environment, plan) if one.is_adoptable]
        if not found:
            return plan
        if again := seen & {one.address for one in found}:
            raise Partial(f"It was taken over and is not in the state: {', '.join(sorted(again))}")
        for one in found:
            progress(f"Taking over '{one.address}' ({one.identifier})…")
            with journal.step(f"adopt {one.address}", id=one.identifier):
                workshop.adopt(one.address, one.type, one.identifier)
            imported.adopted.append(one)
            seen.add(one.address)


def _find(environment: LinodeEnvironment, plan: TerraformPlan) -> list[Existing]:
    return find_existing(environment.opened.account, list(iter_creations(plan.changes)), environment.name)


def _describe(workshop: Workshop, plan: TerraformPlan, imported: Imported) -> None:
    """Of buckets nothing is told: an import reads neither their versioning nor their rules, and `up` sets both."""
    imported.profile = describe_instances(one for one in workshop.list_resources() if one.type != BUCKET)
    changes = [one for one in plan.changes if one.is_change and one.type != BUCKET]
    imported.differs = [told for one in changes if (told := _compare(one))]


def _compare(change: ResourceChange) -> dict[str, str] | None:
    """What a resource is and what the profile says instead; attributes that no profile sets are left out."""
    names = change.changed_attributes
    there, wanted = (
        list_settings(change.type, change.name, side or {}, names) for side in (change.before, change.after)
    )
    found = [one for one in there if one not in wanted]
    if change.before is None or not found:
        return None
    instead = format_settings(one for one in wanted if one not in there)
    return {"address": change.address, "is": format_settings(found), "profile": instead}

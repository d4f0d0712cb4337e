"""Saved plans and the consent to them: kept in the state's store, bound to what they would do, used once.

A saved plan is compared and not replayed: it may be applied when a look at the account gives the very same plan.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from aias_core import __version__, clock, ids
from aias_core.approvals import (
    ALWAYS_REQUIRED,
    ApprovalInvalid,
    ApprovalMissing,
    ApprovalPolicy,
    Choice,
    Decision,
    find_fault,
)
from aias_core.errors import AiasError, Conflict, NotFound, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.journal import JournalShelf
    from aias_core.environments.linode.store import StateStore
    from aias_core.environments.schema import LinodeProfile

KEPT, APPLICABLE = timedelta(days=90), timedelta(hours=24)
PEOPLE = 2
SCHEMA = "aias.env.plan/1"


class Plan(Protocol):
    """What is saved and agreed to; `kind` is the command that carries it out."""

    @property
    def environment(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def how_to_save(self) -> str: ...

    @property
    def serial(self) -> int: ...

    @property
    def sha256(self) -> str: ...

    def as_record(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class PlanApproval(Decision):
    """One decision of one person about one saved plan."""

    schema: ClassVar[str] = "aias.env.approval/1"
    environment: str
    plan_id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PlanShelf:
    """The saved plans of one environment; its journals tell which were carried out."""

    store: StateStore
    environment: str
    journals: JournalShelf

    def save(self, plan: Plan, author: str) -> str:
        """Keeps a plan for 90 days; its id."""
        self._remove_old()
        plan_id = str(ids.new_id())
        saved = {
            "schema": SCHEMA,
            "id": plan_id,
            "kind": plan.kind,
            "author": author,
            "saved_at": clock.format_instant(clock.now()),
            "code_version": __version__,
            **plan.as_record(),
        }
        self.store.put(self._key(plan_id, "plan.json"), json.dumps(saved, indent=1, default=str).encode())
        return plan_id

    def get(self, plan_id: str) -> dict[str, Any]:
        """What was saved. Raises NotFound."""
        content = self.store.get(self._key(plan_id, "plan.json"))
        if content is None:
            raise NotFound(
                f"There is no saved plan '{plan_id}' of '{self.environment}'",
                hint=f"save one with: aias env plan {self.environment} --save",
            )
        return dict(json.loads(content))

    def approve(self, plan_id: str, approver: str, key: Path, *, choice: Choice, comment: str) -> PlanApproval:
        """Signs a decision about a plan and keeps it beside the plan. Raises NotFound, PrerequisiteMissing."""
        saved = self.get(plan_id)
        about = {"environment": self.environment, "plan_id": plan_id, "sha256": saved["sha256"]}
        approval = PlanApproval.sign(approver, key, choice=choice, comment=comment, **about)
        content = json.dumps(approval.as_record(), indent=1).encode()
        self.store.put(self._key(plan_id, f"approval-{approval.approval_id}.json"), content)
        return approval

    def check(self, plan_id: str, plan: Plan) -> dict[str, Any]:
        """The saved plan, when it may be applied now.

        Raises Conflict when it is a day old, was applied, or what would be done, the code or the state is another.
        """
        saved = self.get(plan_id)
        kind = saved.get("kind", "up")
        age = clock.now() - clock.parse_instant(saved["saved_at"])
        faults = {
            f"is for 'aias env {kind}'": kind != plan.kind,
            "is more than 24 hours old": age > APPLICABLE,
            "was applied before": self._is_used_up(plan_id),
            f"was made by aias {saved['code_version']}": saved["code_version"] != __version__,
            "was made for another state": saved["state_serial"] != plan.serial,
            "is not what would be done now": saved["sha256"] != plan.sha256,
        }
        if fault := next((text for text, holds in faults.items() if holds), None):
            raise Conflict(f"The plan '{plan_id}' {fault}", hint=f"make a new one with: {plan.how_to_save}")
        return saved

    def check_consent(self, saved: dict[str, Any], policy: ApprovalPolicy, actor: str) -> list[str]:
        """The people who agreed. Raises ApprovalInvalid, ApprovalMissing when they are fewer than two."""
        people = sorted(
            {one.approver for one in self._list_approvals(saved) if self._counts(one, saved, policy, actor)}
        )
        if policy.required and len(people) < PEOPLE:
            raise ApprovalMissing(
                f"The plan '{saved['id']}' of '{self.environment}' needs {PEOPLE} approvals, {len(people)} given",
                hint=f"have it signed with: "
                f"aias env approve {saved['id']} --env {self.environment} --as NAME --key FILE",
            )
        return people

    def mark_applied(self, plan_id: str, run_id: str, how_to_save: str) -> None:
        """Uses the plan up with the run that is about to begin. Raises Conflict when somebody was quicker."""
        if self._is_used_up(plan_id):
            raise Conflict(f"The plan '{plan_id}' was applied before", hint=f"make a new one with: {how_to_save}")
        self.store.put(self._key(plan_id, f"applied-{run_id}"), b"")

    def _is_used_up(self, plan_id: str) -> bool:
        """A run that was ended before its journal told of the plan has done nothing by it."""
        start = self._key(plan_id, "applied-")
        return any(self.journals.is_begun(key.removeprefix(start), plan_id) for key in self.store.list(start))

    def _counts(self, approval: PlanApproval, saved: dict[str, Any], policy: ApprovalPolicy, actor: str) -> bool:
        used: Collection[str] = ()
        fault = find_fault(approval, approval.environment, policy, actor, used)
        if approval.approver == str(saved["author"]).partition("@")[0]:
            fault = "comes from the author of the plan"
        about = (approval.environment, approval.plan_id, approval.sha256)
        if about != (saved["environment"], saved["id"], saved["sha256"]):
            fault = "is for another plan"
        if fault is not None:
            raise ApprovalInvalid(f"The approval by '{approval.approver}' {fault}")
        return True

    def _list_approvals(self, saved: dict[str, Any]) -> list[PlanApproval]:
        keys = self.store.list(self._key(saved["id"], "approval-"))
        names = set(PlanApproval.__dataclass_fields__) - {"schema"}
        records = [json.loads(self.store.get(key) or b"{}") for key in keys]
        try:
            return [PlanApproval(**{name: one[name] for name in names}) for one in records]
        except KeyError as exc:
            raise AiasError(f"An approval of the plan '{saved['id']}' is not whole") from exc

    def _remove_old(self) -> None:
        for key in self.store.list(f"{self.environment}/plans/"):
            if key.endswith("/plan.json"):
                saved = json.loads(self.store.get(key) or b"{}")
                if clock.now() - clock.parse_instant(saved["saved_at"]) > KEPT:
                    for other in self.store.list(key.removesuffix("plan.json")):
                        self.store.delete(other)

    def _key(self, plan_id: str, name: str) -> str:
        return f"{self.environment}/plans/{plan_id}/{name}"


def build_policy(profile: LinodeProfile) -> ApprovalPolicy:
    """Whether an environment takes saved plans with consent only, and whose word counts."""
    return ApprovalPolicy(profile.name, profile.name in ALWAYS_REQUIRED, profile.approvals.approvers)


def refuse_unplanned(profile: LinodeProfile, plan_id: str | None, change: str | None) -> None:
    """Raises Refused where an environment is changed by saved plans of a named change only, and this is none."""
    if not build_policy(profile).required:
        return
    if plan_id is None:
        raise Refused(
            f"'{profile.name}' is changed by saved plans only",
            hint=f"save one with: aias env plan {profile.name} --save; "
            f"then: aias env up {profile.name} --plan ID --change ID",
        )
    if change is None:
        raise Refused(f"'{profile.name}' is changed as part of a change only", hint="name it with: --change ID")

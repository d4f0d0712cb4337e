"""Consent to a plan: signed by somebody who neither wrote nor runs it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from aias_core.approvals import ApprovalInvalid, ApprovalMissing, Choice, Decision, find_fault, read_record
from aias_core.errors import InvalidInput
from aias_core.migrate.plan import PlanContent, read_plans

if TYPE_CHECKING:
    from aias_core.migrate.consent import Consent


@dataclass(frozen=True, kw_only=True)
class Approval(Decision):
    """One decision of one person about the plans of one environment; `plans` maps a database to its plan's hash."""

    schema: ClassVar[str] = "aias.db.approval/1"
    environment: str
    plans: Mapping[str, str]


def approve_plans(
    environment: str, plan: Path, approver: str, key: Path, *, decision: Choice, comment: str
) -> Approval:
    """A signed decision about a written plan, valid for 24 hours; anybody can verify it offline.

    Raises InvalidInput for a plan that is none or is another environment's, PrerequisiteMissing for a bad key.
    """
    written, contents = read_plans(plan)
    if written != environment:
        raise InvalidInput(
            f"The plan '{plan}' is for the environment '{written}', not '{environment}'",
            hint=f"name it with: --env {written}",
        )
    plans = {database: content.sha256 for database, content in contents.items()}
    return Approval.sign(approver, key, choice=decision, comment=comment, environment=environment, plans=plans)


def read_approval(path: Path) -> Approval:
    """An approval from its file. Raises InvalidInput when it is not one."""
    names = set(Approval.__dataclass_fields__) - {"schema"}
    return Approval(**read_record(path, Approval.schema, names, "make one with: aias db approve"))


@dataclass(frozen=True, slots=True)
class Subject:
    """What consent is asked for: the content that was signed, how much it can break, and who wrote it."""

    content: PlanContent
    risk: str
    authors: frozenset[str] = frozenset()


def check_approvals(subject: Subject, consent: Consent, used: Collection[str]) -> None:
    """Raises ApprovalInvalid for an approval that does not count, ApprovalMissing when too few do.

    Two people for what is destructive, one for anything else; never who runs it, never a named author.
    """
    people = set()
    for approval in consent.approvals:
        _check_one(approval, subject, consent, used)
        people.add(approval.approver)
    needed = (2 if subject.risk == "destructive" else 1) if consent.policy.required else 0
    if len(people) < needed:
        raise ApprovalMissing(
            f"The {subject.risk} plan {subject.content.sha256[:12]} of '{subject.content.database}' in "
            f"'{consent.policy.environment}' needs {needed} approval{'s' if needed > 1 else ''}, {len(people)} given",
            hint="write it down with --out plan.json and have it signed with: aias db approve plan.json",
        )


def _check_one(approval: Approval, subject: Subject, consent: Consent, used: Collection[str]) -> None:
    if approval.plans.get(subject.content.database) != subject.content.sha256:
        fault: str | None = "is for another plan"
    elif approval.approver in subject.authors:
        fault = "comes from an author of the plan"
    else:
        fault = find_fault(approval, approval.environment, consent.policy, consent.actor, used)
    if fault is not None:
        raise ApprovalInvalid(f"The approval by '{approval.approver}' {fault}")

"""Consent to a plan: an Ed25519 signature (RFC 8032) over its hash by somebody who neither wrote nor runs it.

Approvers sign with the OpenSSH keys they have; a profile lists the public keys of those whose word counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aias_core import clock, ids
from aias_core.errors import InvalidInput, Refused
from aias_core.files import whole_file
from aias_core.migrate.plan import PlanContent, read_plans
from aias_core.signatures import is_signed, sign

if TYPE_CHECKING:
    from aias_core.migrate.consent import Consent

SCHEMA = "aias.db.approval/1"
VALID_FOR = timedelta(hours=24)
ALWAYS_REQUIRED = frozenset({"production", "system"})
Decision = Literal["approve", "reject"]


class ApprovalMissing(Refused):
    """The plan needs an approval"""


class ApprovalInvalid(Refused):
    """An approval does not count"""


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision of one person about the plans of one environment; `plans` maps a database to its plan's hash."""

    approval_id: str
    environment: str
    plans: Mapping[str, str]
    approver: str
    decision: Decision
    comment: str
    decided_at: str
    expires_at: str
    signature: str = ""

    def message(self) -> bytes:
        """What is signed: everything but the signature, as JSON with sorted keys."""
        content = {key: value for key, value in asdict(self).items() if key != "signature"}
        return json.dumps({"schema": SCHEMA, **content}, sort_keys=True, separators=(",", ":")).encode()

    def as_record(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Whether an environment asks for consent, and the public keys (`ssh-ed25519 …`) of those who may give it."""

    environment: str = "local"
    required: bool = False
    approvers: Mapping[str, str] = field(default_factory=dict)


def approve_plans(
    environment: str, plan: Path, approver: str, key: Path, *, decision: Decision, comment: str
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
    now = clock.now()
    unsigned = Approval(
        approval_id=str(ids.new_id()),
        environment=environment,
        plans={database: content.sha256 for database, content in contents.items()},
        approver=approver,
        decision=decision,
        comment=comment,
        decided_at=clock.format_instant(now),
        expires_at=clock.format_instant(now + VALID_FOR),
    )
    return replace(unsigned, signature=sign(unsigned.message(), key))


def write_approval(approval: Approval, path: Path) -> None:
    """Writes an approval whole or not at all."""
    with whole_file(path, mode=0o644) as file:
        file.write(json.dumps(approval.as_record(), indent=1).encode() + b"\n")


def read_approval(path: Path) -> Approval:
    """An approval from its file. Raises InvalidInput when it is not one."""
    try:
        content = json.loads(path.read_bytes())
        if content.pop("schema") != SCHEMA:
            raise ValueError
        return Approval(**content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise InvalidInput(f"'{path}' is not an approval", hint="make one with: aias db approve") from exc


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
    who, policy = approval.approver, consent.policy
    reasons = {
        "rejects the plan": approval.decision != "approve",
        f"is for the environment '{approval.environment}'": approval.environment != policy.environment,
        "is for another plan": approval.plans.get(subject.content.database) != subject.content.sha256,
        "has expired": clock.parse_instant(approval.expires_at) <= clock.now(),
        "was used before": approval.approval_id in used,
        "comes from who runs the plan": who == consent.actor.partition("@")[0],
        "comes from an author of the plan": who in subject.authors,
        "is not signed by the key of a known approver": not is_signed(
            approval.message(), approval.signature, policy.approvers.get(who)
        ),
    }
    for reason, holds in reasons.items():
        if holds:
            raise ApprovalInvalid(f"The approval by '{who}' {reason}")

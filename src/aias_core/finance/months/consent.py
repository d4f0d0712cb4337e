"""A second person's consent to a change of a month: signed, for this change alone, for a day, once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from aias_core import clock, ids
from aias_core.errors import InvalidInput, Refused
from aias_core.signatures import is_signed, sign

SCHEMA = "aias.analytics.approval/1"
PROPOSAL_SCHEMA = "aias.analytics.proposal/1"
VALID_FOR = timedelta(hours=24)
Action = Literal["close", "restate", "adjust"]
Decision = Literal["approve", "reject"]


class ApprovalMissing(Refused):
    """A second person has to approve"""

    code = "approval_missing"


class ApprovalInvalid(Refused):
    """An approval does not count"""

    code = "approval_invalid"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to do: the action, what it is about, and the hash of what would come of it."""

    action: Action
    subject: str
    sha256: str
    environment: str = "local"

    def as_record(self) -> dict[str, Any]:
        return {"schema": PROPOSAL_SCHEMA, **asdict(self)}


@dataclass(frozen=True, slots=True)
class MonthApproval:
    """One decision of one person about one proposal."""

    approval_id: str
    proposal: Proposal
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
class MonthPolicy:
    """Whether an environment asks for a second person, and the public keys of those who may be it."""

    environment: str = "local"
    required: bool = False
    approvers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """Who acts, under which policy, and the approval at hand."""

    actor: str
    policy: MonthPolicy = field(default_factory=MonthPolicy)
    approval: MonthApproval | None = None

    def check(self, proposal: Proposal, used: Collection[UUID]) -> UUID | None:
        """The id of the approval of a proposal; None where none is needed and none is at hand.

        Raises ApprovalMissing, and ApprovalInvalid for one that does not count.
        """
        if self.approval is None:
            if self.policy.required:
                raise ApprovalMissing(
                    f"'{proposal.action}' of {proposal.subject} in '{self.policy.environment}' needs a second person",
                    hint="write it down with --dry-run --out proposal.json, then: aias analytics approve proposal.json",
                )
            return None
        for reason, holds in self._faults(self.approval, proposal, used).items():
            if holds:
                raise ApprovalInvalid(
                    f"The approval by '{self.approval.approver}' {reason}",
                    hint="have it approved anew with: aias analytics approve",
                )
        return UUID(self.approval.approval_id)

    def _faults(self, approval: MonthApproval, proposal: Proposal, used: Collection[UUID]) -> dict[str, bool]:
        who = approval.approver
        public_key = self.policy.approvers.get(who)
        return {
            "says no": approval.decision != "approve",
            f"is for the environment '{approval.proposal.environment}'": approval.proposal.environment
            != proposal.environment,
            "is for something else": approval.proposal != proposal,
            "has expired": clock.parse_instant(approval.expires_at) <= clock.now(),
            "was used before": UUID(approval.approval_id) in used,
            "comes from who acts": who == self.actor.partition("@")[0],
            "is not signed by the key of a known approver": not is_signed(
                approval.message(), approval.signature, public_key
            ),
        }


def approve(proposal: Proposal, approver: str, key: Path, *, decision: Decision, comment: str) -> MonthApproval:
    """A signed decision, valid for 24 hours, verifiable offline. Raises PrerequisiteMissing for a bad key."""
    now = clock.now()
    unsigned = MonthApproval(
        approval_id=str(ids.new_id()),
        proposal=proposal,
        approver=approver,
        decision=decision,
        comment=comment,
        decided_at=clock.format_instant(now),
        expires_at=clock.format_instant(now + VALID_FOR),
    )
    return replace(unsigned, signature=sign(unsigned.message(), key))


def read_proposal(path: Path) -> Proposal:
    """A proposal from its file. Raises InvalidInput when it is not one."""
    hint = "make one with: aias analytics close MONTH --dry-run --out FILE"
    return Proposal(**_read(path, PROPOSAL_SCHEMA, {"action", "subject", "sha256", "environment"}, hint))


def read_approval(path: Path) -> MonthApproval:
    """An approval from its file. Raises InvalidInput when it is not one."""
    names = {*MonthApproval.__dataclass_fields__}
    content = _read(path, SCHEMA, names, "make one with: aias analytics approve")
    return MonthApproval(**{**content, "proposal": Proposal(**content["proposal"])})


def _read(path: Path, schema: str, names: Collection[str], hint: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != schema:
            raise ValueError
        return {name: content[name] for name in names}
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise InvalidInput(f"'{path}' is not what is wanted here", hint=hint) from exc

"""A second person's consent to a change of a month: signed, for this change alone, for a day, once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args
from uuid import UUID

from aias_core.approvals import ApprovalInvalid, ApprovalMissing, ApprovalPolicy, Decision, find_fault, read_record
from aias_core.errors import InvalidInput

PROPOSAL_SCHEMA = "aias.analytics.proposal/1"
Action = Literal["close", "restate", "adjust"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to do: the action, what it is about, the hash of what would come of it, why, and with which
    reason open dead letters are passed over."""

    action: Action
    subject: str
    sha256: str
    environment: str = "local"
    reason: str | None = None
    waiver: str | None = None

    def as_record(self) -> dict[str, Any]:
        return {"schema": PROPOSAL_SCHEMA, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class MonthApproval(Decision):
    """One decision of one person about one proposal."""

    schema: ClassVar[str] = "aias.analytics.approval/1"
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Consent:
    """Who acts, under which policy, and the approval at hand."""

    actor: str
    policy: ApprovalPolicy = field(default_factory=ApprovalPolicy)
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
        environment, used_ids = self.approval.proposal.environment, {str(one) for one in used}
        fault = find_fault(self.approval, environment, self.policy, self.actor, used_ids)
        if fault is None and self.approval.proposal != proposal:
            fault = "is for something else"
        if fault is not None:
            raise ApprovalInvalid(
                f"The approval by '{self.approval.approver}' {fault}",
                hint="have it approved anew with: aias analytics approve",
            )
        return UUID(self.approval.approval_id)


def read_proposal(path: Path) -> Proposal:
    """A proposal from its file. Raises InvalidInput when it is not one."""
    hint = "make one with: aias analytics close MONTH --dry-run --out FILE"
    return _build_proposal(path, read_record(path, PROPOSAL_SCHEMA, Proposal.__dataclass_fields__, hint), hint)


def read_approval(path: Path) -> MonthApproval:
    """An approval from its file. Raises InvalidInput when it is not one."""
    hint = "make one with: aias analytics approve"
    names = set(MonthApproval.__dataclass_fields__) - {"schema"}
    content = read_record(path, MonthApproval.schema, names, hint)
    try:
        UUID(content["approval_id"])
    except (ValueError, AttributeError, TypeError) as exc:
        raise InvalidInput(f"'{path}' is an approval without an id", hint=hint) from exc
    return MonthApproval(**{**content, "proposal": _build_proposal(path, content["proposal"], hint)})


def _build_proposal(path: Path, content: Any, hint: str) -> Proposal:
    optional = {"reason", "waiver"}
    if not isinstance(content, dict) or content.keys() != Proposal.__dataclass_fields__.keys():
        raise InvalidInput(f"'{path}' holds no proposal", hint=hint)
    if content["action"] not in get_args(Action) or any(content[name] is None for name in content.keys() - optional):
        raise InvalidInput(f"'{path}' proposes nothing that there is", hint=hint)
    return Proposal(**content)

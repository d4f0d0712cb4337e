"""Consent: a decision of one person about one thing, signed (Ed25519, RFC 8032), valid for a day, proven offline.

Approvers sign with the OpenSSH keys they have; a profile lists the public keys of those whose word counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from aias_core import clock, ids
from aias_core.errors import InvalidInput, Refused
from aias_core.files import whole_file
from aias_core.signatures import is_signed, sign

VALID_FOR = timedelta(hours=24)
CLOCK_TOLERANCE = timedelta(minutes=5)
ALWAYS_REQUIRED = frozenset({"production", "system"})
Choice = Literal["approve", "reject"]


class ApprovalMissing(Refused):
    """Consent is needed"""

    code = "approval_missing"


class ApprovalInvalid(Refused):
    """An approval does not count"""

    code = "approval_invalid"


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Whether an environment asks for consent, and the public keys (`ssh-ed25519 …`) of those who may give it."""

    environment: str = "local"
    required: bool = False
    approvers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decided what and when; a subclass adds what about, and names the schema of its file."""

    schema: ClassVar[str]
    approval_id: str
    approver: str
    decision: Choice
    comment: str
    decided_at: str
    expires_at: str
    signature: str = ""

    @classmethod
    def sign(cls, approver: str, key: Path, *, choice: Choice, comment: str, **about: Any) -> Self:
        """A signed decision, valid for 24 hours. Raises PrerequisiteMissing for a bad key."""
        now = clock.now()
        instants = {"decided_at": clock.format_instant(now), "expires_at": clock.format_instant(now + VALID_FOR)}
        given: dict[str, Any] = {"approver": approver, "decision": choice, "comment": comment, **instants, **about}
        unsigned = cls(approval_id=str(ids.new_id()), **given)
        return replace(unsigned, signature=sign(unsigned.message(), key))

    def message(self) -> bytes:
        """What is signed: everything but the signature, as JSON with sorted keys."""
        content = {key: value for key, value in self.as_record().items() if key != "signature"}
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    def as_record(self) -> dict[str, Any]:
        return {"schema": self.schema, **asdict(self)}


def find_fault(
    decision: Decision, environment: str, policy: ApprovalPolicy, actor: str, used: Collection[str]
) -> str | None:
    """Why a decision made for an environment does not count for what an actor does; None when it does."""
    who = decision.approver
    if not is_signed(decision.message(), decision.signature, policy.approvers.get(who)):
        return "is not signed by the key of a known approver"
    faults = {
        "says no": decision.decision != "approve",
        f"is for the environment '{environment}'": environment != policy.environment,
        "was used before": decision.approval_id in used,
        "comes from who acts": who == actor.partition("@")[0],
    }
    return next((fault for fault, holds in faults.items() if holds), None) or _find_time_fault(decision)


def _find_time_fault(decision: Decision) -> str | None:
    """Signers write the times themselves: what they may not do is make a decision last longer than it does."""
    now = clock.now()
    try:
        decided_at, expires_at = map(clock.parse_instant, (decision.decided_at, decision.expires_at))
    except ValueError:
        return "has no times that can be read"
    if expires_at <= now:
        return "has expired"
    if decided_at > now + CLOCK_TOLERANCE:
        return "is of a time to come"
    return "is valid for longer than 24 hours" if expires_at - decided_at > VALID_FOR else None


def write_record(record: Mapping[str, Any], path: Path) -> None:
    """Writes a decision, or what is to be decided, whole or not at all."""
    with whole_file(path, mode=0o644) as file:
        file.write(json.dumps(record, indent=1).encode() + b"\n")


def read_record(path: Path, schema: str, names: Collection[str], hint: str) -> dict[str, Any]:
    """The members of a record of a schema. Raises InvalidInput with the hint for anything else."""
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != schema:
            raise ValueError
        return {name: _check_member(content[name]) for name in names}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as exc:
        raise InvalidInput(f"'{path}' is not what is wanted here", hint=hint) from exc


def _check_member(value: Any) -> Any:
    """A text, nothing, or an object of these. Raises ValueError for anything else, and for what is no UTF-8."""
    members = value.values() if isinstance(value, dict) else [value]
    for member in members:
        if not isinstance(member, str | None):
            raise ValueError("not a text")
        (member or "").encode()
    return value

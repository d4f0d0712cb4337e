"""Who asks for a run, to which plan somebody agreed, and what is let pass by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from aias_core.accounts import own_name
from aias_core.approvals import ApprovalPolicy
from aias_core.errors import InvalidInput
from aias_core.migrate.approval import Approval, read_approval
from aias_core.migrate.plan import PlanContent, read_plans

OBSTACLES = {
    "backup": "no backup was proven within a day, and something is dropped",
    "blocking": "a statement scans or rewrites a large relation while others are locked out",
    "data-loss": "rows would be lost",
    "destructive": "something is dropped",
    "disk": "a rewrite needs more disk than is free",
    "drift": "the catalogue is not what the applied files give",
    "old-transaction": "a transaction older than five minutes uses a relation of the plan",
    "replica-lag": "a replica is more than 30 seconds behind",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """Who asks for a run, what plan was agreed to and by whom, and what was let pass by name."""

    actor: str = field(default_factory=own_name)
    plan: PlanContent | None = None
    approvals: tuple[Approval, ...] = ()
    policy: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    overrides: frozenset[str] = frozenset()


def read_consents(
    databases: Iterable[str],
    policy: ApprovalPolicy,
    plan: Path | None = None,
    approvals: Iterable[Path] = (),
    overrides: Iterable[str] = (),
) -> dict[str, Consent]:
    """The consent to a run on each database, from the files that hold it. Raises InvalidInput for what is not valid."""
    for name in overrides:
        if name not in OBSTACLES:
            raise InvalidInput(f"There is no obstacle '{name}'", hint=f"there are: {', '.join(sorted(OBSTACLES))}")
    signed = tuple(read_approval(path) for path in approvals)
    common = Consent(approvals=signed, policy=policy, overrides=frozenset(overrides))
    if plan is None:
        return dict.fromkeys(databases, common)
    _, contents = read_plans(plan)
    for name in databases:
        if name not in contents:
            raise InvalidInput(f"The plan '{plan}' says nothing of the database '{name}'")
    return {name: replace(common, plan=contents[name]) for name in databases}

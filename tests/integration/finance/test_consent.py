from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aias_core import clock
from aias_core.approvals import ApprovalInvalid, ApprovalMissing, ApprovalPolicy
from aias_core.finance.months.close import (
    Change,
    Outcome,
    close_month,
    list_versions,
)
from aias_core.finance.months.consent import (
    MonthApproval,
    read_approval,
    read_proposal,
)
from aias_core.windows import Window
from support.months import Person, add_late_event, stop_clock


def approve_change(outcome: Outcome, by: Person, **changes: Any) -> Any:
    proposal = replace(outcome.proposal, **changes.pop("proposal", {}))
    return MonthApproval.sign(
        changes.pop("name", by.name), by.key, proposal=proposal, **{"choice": "approve", "comment": "", **changes}
    )


def with_approval(change: Change, approval: Any) -> Change:
    return replace(change, consent=replace(change.consent, approval=approval))


def test_a_month_is_closed_with_the_consent_of_a_second_person(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person, tmp_path: Path
) -> None:
    with pytest.raises(ApprovalMissing, match="second person"):
        close_month(store, guarded)
    proposed = close_month(store, replace(guarded, dry_run=True))
    (tmp_path / "proposal.json").write_text(json.dumps(proposed.proposal.as_record()))
    approval = MonthApproval.sign(
        "ada", ada.key, choice="approve", comment="seen", proposal=read_proposal(tmp_path / "proposal.json")
    )
    (tmp_path / "approval.json").write_text(json.dumps(approval.as_record()))
    close_month(store, with_approval(guarded, read_approval(tmp_path / "approval.json")))
    assert list_versions(store, month)[0]["approval_id"] == approval.approval_id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"choice": "reject"}, "says no"),
        ({"proposal": {"environment": "staging"}}, "is for the environment 'staging'"),
        ({"proposal": {"sha256": "0" * 64}}, "is for something else"),
        ({"proposal": {"action": "restate"}}, "is for something else"),
        ({"proposal": {"waiver": "only noise"}}, "is for something else"),
        ({"proposal": {"reason": "another"}}, "is for something else"),
        ({"name": "mallory"}, "is not signed by the key of a known approver"),
    ],
    ids=lambda value: str(value),
)
def test_an_approval_that_does_not_count_is_refused(
    store: psycopg.Connection, guarded: Change, ada: Person, changes: dict[str, Any], reason: str
) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    with pytest.raises(ApprovalInvalid, match=reason):
        close_month(store, with_approval(guarded, approve_change(proposed, ada, **changes)))
    assert list_versions(store) == []


def test_an_approval_of_other_figures_is_refused(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person
) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    add_late_event(store, month)
    with pytest.raises(ApprovalInvalid, match="is for something else"):
        close_month(store, with_approval(guarded, approve_change(proposed, ada)))


def test_a_waiver_and_a_reason_are_part_of_what_is_agreed_to(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person
) -> None:
    wanted = replace(guarded, waive_dead_letters="only noise")
    proposed = close_month(store, replace(wanted, dry_run=True))
    assert proposed.proposal.waiver == "only noise"
    agreed = approve_change(proposed, ada)
    with pytest.raises(ApprovalInvalid, match="is for something else"):
        close_month(store, with_approval(replace(guarded, waive_dead_letters="all of them"), agreed))
    assert close_month(store, with_approval(wanted, agreed)).is_done


def test_an_approval_expires(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    approval = approve_change(proposed, ada)
    stop_clock(monkeypatch, clock.now() + timedelta(hours=24))
    with pytest.raises(ApprovalInvalid, match="has expired"):
        close_month(store, with_approval(guarded, approval))


def test_nobody_agrees_to_what_they_do_themselves(store: psycopg.Connection, guarded: Change, tmp_path: Path) -> None:
    grace = Person("grace", tmp_path)
    policy = ApprovalPolicy("production", True, {"grace": grace.public})
    mine = replace(guarded, consent=replace(guarded.consent, policy=policy))
    proposed = close_month(store, replace(mine, dry_run=True))
    with pytest.raises(ApprovalInvalid, match="comes from who acts"):
        close_month(store, with_approval(mine, approve_change(proposed, grace)))


def test_an_approval_counts_once(store: psycopg.Connection, guarded: Change, ada: Person) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    approval = approve_change(proposed, ada)
    store.execute(
        "INSERT INTO aias.month_closes (month, version, status, totals, content_sha256, complete_through, closed_by,"
        " approval_id, closed_at) VALUES ('2020-01-01', 1, 'closed', '[]', sha256(''), now(), 'x', %s, now())",
        [approval.approval_id],
    )
    with pytest.raises(ApprovalInvalid, match="used before"):
        close_month(store, with_approval(guarded, approval))


def test_an_altered_approval_is_refused(store: psycopg.Connection, guarded: Change, ada: Person) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    forged = replace(approve_change(proposed, ada), comment="more")
    with pytest.raises(ApprovalInvalid, match="not signed"):
        close_month(store, with_approval(guarded, forged))

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aias_core import clock
from aias_core.approvals import ApprovalInvalid, ApprovalPolicy
from aias_core.errors import InvalidInput
from aias_core.finance.months.consent import Consent, MonthApproval, Proposal, read_approval, read_proposal
from aias_core.signatures import sign
from support.months import Person

PROPOSAL = Proposal("adjust", "acme -12.50 USD", "0" * 64, "production")
NEVER = "9999-12-31T23:59:59-14:00"


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    return Person("ada", tmp_path)


@pytest.fixture
def approval(ada: Person) -> MonthApproval:
    return MonthApproval.sign("ada", ada.key, choice="approve", comment="", proposal=PROPOSAL)


def check(approval: MonthApproval, ada: Person) -> None:
    policy = ApprovalPolicy("production", True, {"ada": ada.public})
    Consent("grace@here", policy, approval).check(PROPOSAL, ())


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"expires_at": clock.format_instant(clock.now() + timedelta(days=3000))}, "longer than 24 hours"),
        (
            {
                "decided_at": clock.format_instant(clock.now() + timedelta(days=1000)),
                "expires_at": clock.format_instant(clock.now() + timedelta(days=1000, hours=23)),
            },
            "of a time to come",
        ),
        ({"expires_at": NEVER}, "no times that can be read"),
        ({"decided_at": "yesterday"}, "no times that can be read"),
    ],
    ids=["long", "future", "beyond-the-calendar", "no-time"],
)
def test_a_signer_cannot_make_an_approval_last(
    approval: MonthApproval, ada: Person, changes: dict[str, str], fault: str
) -> None:
    check(approval, ada)
    unsigned = replace(approval, **changes)  # type: ignore[arg-type]
    with pytest.raises(ApprovalInvalid, match=fault):
        check(replace(unsigned, signature=sign(unsigned.message(), ada.key)), ada)


def test_what_nobody_known_has_signed_is_judged_no_further(approval: MonthApproval, ada: Person) -> None:
    with pytest.raises(ApprovalInvalid, match="not signed by the key"):
        check(replace(approval, decision="reject", expires_at=NEVER), ada)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: {**record, "comment": 5},
        lambda record: {**record, "comment": chr(0xD800)},
        lambda record: {**record, "proposal": "close it"},
        lambda record: {**record, "proposal": {"action": "close"}},
        lambda record: {**record, "proposal": {**record["proposal"], "action": "drop"}},
        lambda record: {**record, "proposal": {**record["proposal"], "subject": None}},
        lambda record: {**record, "proposal": {**record["proposal"], "more": "x"}},
        lambda record: {**record, "approval_id": "first"},
        lambda record: [record],
    ],
    ids=["number", "surrogate", "no-proposal", "members", "action", "nothing", "more", "id", "list"],
)
def test_a_file_that_is_no_approval_is_invalid_input(approval: MonthApproval, tmp_path: Path, change: Any) -> None:
    path = tmp_path / "approval.json"
    path.write_text(json.dumps(approval.as_record()))
    assert read_approval(path) == approval
    path.write_text(json.dumps(change(approval.as_record())))
    with pytest.raises(InvalidInput):
        read_approval(path)


@pytest.mark.parametrize("content", ["[" * 200_000, "9" * 5000, "{", ""], ids=["deep", "long", "cut", "empty"])
def test_a_hostile_proposal_is_invalid_input(tmp_path: Path, content: str) -> None:
    (tmp_path / "proposal.json").write_text(content)
    with pytest.raises(InvalidInput):
        read_proposal(tmp_path / "proposal.json")

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from aias_core import ids
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.approvals import ApprovalInvalid, ApprovalMissing, ApprovalPolicy
from aias_core.errors import InvalidInput
from aias_core.finance.export.request import Scope
from aias_core.finance.months.adjust import AdjustmentRequest, build_adjustment, encode_adjustment
from aias_core.finance.months.consent import (
    MonthApproval,
)
from support.events import ORG
from support.months import ACTOR, Person

ACME = Scope(ORG, "acme")


def test_an_adjustment_is_an_event_of_the_open_month(store: psycopg.Connection) -> None:
    request = AdjustmentRequest(ACME, "-12.50", "USD", "credit for an outage", ids.new_id())
    line = encode_adjustment(build_adjustment(request, ACTOR, ()))
    assert ingest_lines(store, [line], "adjust", adjustments=True).accepted == 1
    row = store.execute("SELECT cost_pico, reason, ref_event_id FROM aias.usage_facts WHERE kind = 'adjustment'")
    assert row.fetchall() == [(-12_500_000_000_000, "credit for an outage", request.event)]


@pytest.mark.parametrize("amount", ["", "ten", "0", "1/0", "0.0000000000001", "99999999"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput, match=r"amount|between"):
        build_adjustment(AdjustmentRequest(ACME, amount, "USD", "why"), ACTOR, ())


@pytest.mark.parametrize(("reason", "currency"), [("", "USD"), ("x" * 201, "USD"), ("why", "usd")])
def test_an_adjustment_that_breaks_the_contract_is_refused(reason: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        encode_adjustment(build_adjustment(AdjustmentRequest(ACME, "1", currency, reason), ACTOR, ()))


def test_an_adjustment_needs_its_own_consent(ada: Person) -> None:
    request = AdjustmentRequest(ACME, "-12.50", "USD", "credit")
    guarded = replace(ACTOR, policy=ApprovalPolicy("production", True, {"ada": ada.public}))
    with pytest.raises(ApprovalMissing):
        build_adjustment(request, guarded, ())
    approval = MonthApproval.sign("ada", ada.key, choice="approve", comment="", proposal=request.proposal("production"))
    agreed = replace(guarded, approval=approval)
    assert build_adjustment(request, agreed, ()).labels["approval_id"] == approval.approval_id
    with pytest.raises(ApprovalInvalid, match="something else"):
        build_adjustment(replace(request, amount="-125"), agreed, ())

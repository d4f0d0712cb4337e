from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from aias_cli.commands.analytics.months_options import ingest
from aias_core import ids
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.approvals import ApprovalInvalid, ApprovalMissing, ApprovalPolicy
from aias_core.contracts import usage
from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.finance.export.request import Scope
from aias_core.finance.months.adjust import (
    AdjustmentRequest,
    build_adjustment,
    encode_adjustment,
    prepare_adjustment,
    store_adjustment,
)
from aias_core.finance.months.consent import Consent, MonthApproval
from support.events import ORG, OTHER_ORG, make_event
from support.exports import Edit
from support.months import ACTOR, Person

ACME = Scope(ORG, "acme")
CREDIT = AdjustmentRequest(ACME, "-12.50", "USD", "credit")


def store_event(store: psycopg.Connection, **changes: Any) -> UUID:
    event = make_event(**changes)
    ingest_lines(store, [usage.encode(event)], "test")
    return event.event_id


def test_an_adjustment_is_an_event_of_the_open_month(store: psycopg.Connection) -> None:
    request = AdjustmentRequest(ACME, "-12.50", "USD", "credit for an outage", store_event(store))
    store_adjustment(store, prepare_adjustment(store, request, ACTOR), ingest)
    row = store.execute("SELECT cost_pico, reason, ref_event_id FROM aias.usage_facts WHERE kind = 'adjustment'")
    assert row.fetchall() == [(-12_500_000_000_000, "credit for an outage", request.event)]


@pytest.mark.parametrize("amount", ["", "ten", "0", "1/0", "0.0000000000001", "99999999"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput, match=r"amount|between"):
        build_adjustment(AdjustmentRequest(ACME, amount, "USD", "why"), ACTOR)


@pytest.mark.parametrize(("reason", "currency"), [("", "USD"), ("x" * 201, "USD"), ("why", "usd")])
def test_an_adjustment_that_breaks_the_contract_is_refused(reason: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        encode_adjustment(build_adjustment(AdjustmentRequest(ACME, "1", currency, reason), ACTOR))


@pytest.mark.parametrize("org", [OTHER_ORG, None], ids=["of-another-organization", "of-nobody"])
def test_an_event_that_the_organization_does_not_have_is_not_corrected(
    store: psycopg.Connection, org: UUID | None
) -> None:
    event = ids.new_id() if org is None else store_event(store, org_id=org)
    with pytest.raises(NotFound, match=f"'acme' has no event '{event}'"):
        prepare_adjustment(store, replace(CREDIT, event=event), ACTOR)


def test_an_adjustment_is_in_the_currency_of_its_organization_and_event(store: psycopg.Connection) -> None:
    with pytest.raises(InvalidInput, match="is USD, not EUR"):
        prepare_adjustment(store, replace(CREDIT, currency="EUR"), ACTOR)
    event = store_event(store, currency="CHF")
    with pytest.raises(InvalidInput, match="is in CHF, not in USD"):
        prepare_adjustment(store, replace(CREDIT, event=event), ACTOR)


def test_who_agrees_to_an_adjustment_reads_all_of_it() -> None:
    event = ids.new_id()
    proposal = replace(CREDIT, event=event).proposal("local")
    assert (proposal.subject, proposal.reason) == (f"acme -12.50 USD for {event}", "credit")
    assert replace(CREDIT, reason="other").proposal("local") != CREDIT.proposal("local")


@pytest.fixture
def agreed(ada: Person) -> Consent:
    """Consent of a second person to a credit, where that is needed."""
    approval = MonthApproval.sign("ada", ada.key, choice="approve", comment="", proposal=CREDIT.proposal("production"))
    return replace(ACTOR, policy=ApprovalPolicy("production", True, {"ada": ada.public}), approval=approval)


def test_an_adjustment_needs_its_own_consent(agreed: Consent) -> None:
    with pytest.raises(ApprovalMissing):
        build_adjustment(CREDIT, replace(agreed, approval=None))
    assert agreed.approval is not None
    assert build_adjustment(CREDIT, agreed).labels["approval_id"] == agreed.approval.approval_id
    with pytest.raises(ApprovalInvalid, match="something else"):
        build_adjustment(replace(CREDIT, amount="-125"), agreed)


def test_an_approval_pays_once_whoever_shows_it_again(store: psycopg.Connection, agreed: Consent) -> None:
    both = [prepare_adjustment(store, CREDIT, replace(agreed, actor=actor)) for actor in ("grace@here", "heidi@there")]
    store_adjustment(store, both[0], ingest)
    for prepared in (both[0], both[1], prepare_adjustment(store, CREDIT, agreed)):
        with pytest.raises(ApprovalInvalid, match="used before"):
            store_adjustment(store, prepared, ingest)
    paid = store.execute("SELECT cost_pico FROM aias.usage_facts WHERE kind = 'adjustment'").fetchall()
    assert paid == [(CREDIT.pico,)]
    assert store.execute("SELECT count(*) FROM aias.dead_letters").fetchone() == (0,)


def test_an_adjustment_that_is_not_stored_is_not_told_as_done(store: psycopg.Connection, edit: Edit) -> None:
    edit(
        "INSERT INTO aias.erased_subjects (subject_kind, subject_id, erased_at) VALUES ('organization', %s, now())",
        [ORG],
    )
    with pytest.raises(Refused, match="nothing was changed"):
        store_adjustment(store, prepare_adjustment(store, CREDIT, ACTOR), ingest)

"""Who may be erased, by whose consent and ticket, and who is told."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from aias_core import ids
from aias_core.approvals import ApprovalMissing, ApprovalPolicy
from aias_core.audit.chain import verify_chain
from aias_core.errors import Conflict, NotFound
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure.requests import find_subject
from aias_core.retention.erasure.run import run_erasure
from aias_core.retention.stores import opened
from support.erasing import SIGNER, Place
from support.rows import insert_any_row
from support.subjects import house_keys, unguarded


def test_where_consent_is_required_two_people_must_agree(place: Place) -> None:
    with pytest.raises(ApprovalMissing, match="needs 2 approvals, 0 given"):
        place.erase(Consent(policy=ApprovalPolicy("production", required=True)))
    with place.raw("operational") as connection:
        assert connection.execute("SELECT count(*) FROM aias.erasure_requests WHERE ticket = 'T-1'").fetchone() == (0,)


def test_a_ticket_is_about_one_subject_and_a_subject_has_one_ticket(place: Place) -> None:
    place.erase()
    for changed in (replace(place.world.order, subject_id=place.world.other), replace(place.world.order, ticket="T-2")):
        with pytest.raises(Conflict):
            run_erasure(place.stores, changed, Consent(), SIGNER)


def test_the_last_owner_of_an_organization_cannot_be_erased(person: Place) -> None:
    with person.raw("operational") as connection, unguarded(connection):
        org = {"org_id": uuid.uuid4(), "status": "active"}
        insert_any_row(connection, "organizations", **org, slug="lonely")
        member = {"org_id": org["org_id"], "user_id": person.world.subject, "role": "owner", "status": "active"}
        insert_any_row(connection, "memberships", **member)
    with pytest.raises(Conflict, match="'lonely'"):
        person.erase()


def test_keys_are_revoked_for_everybody_who_caches_them(place: Place) -> None:
    key = ids.new_id()
    holder = {"org_id" if place.world.kind == "organization" else "user_id": place.world.subject}
    with place.raw("operational") as connection, unguarded(connection):
        insert_any_row(connection, "api_keys", api_key_id=key, status="active", **holder)
        house_keys(connection)
    place.erase()
    with place.raw("operational") as connection:
        rows = connection.execute("SELECT kind FROM aias.revocations WHERE subject_id = %s", [str(key)]).fetchall()
        ended = connection.execute("SELECT kind FROM aias.revocations WHERE reason = 'erasure'").fetchall()
    assert rows == [("api_key",)]
    assert (place.world.kind,) in ended


def test_every_run_is_in_the_audit_chain(place: Place) -> None:
    with pytest.raises(ApprovalMissing):
        place.erase(Consent(policy=ApprovalPolicy("production", required=True)))
    place.erase()
    place.erase()
    with opened(place.stores) as databases:
        rows = databases.operational.execute(
            "SELECT action, outcome FROM aias.audit_log WHERE chain = 'platform' ORDER BY seq"
        ).fetchall()
        assert rows == [("erasure.run", "failed"), ("erasure.run", "succeeded")]
        assert verify_chain(databases.operational) == (2, [])


def test_a_subject_that_is_not_there_is_named(organization: Place) -> None:
    with opened(organization.stores) as databases:
        for kind in ("organization", "user"):
            with pytest.raises(NotFound, match="'nobody'"):
                find_subject(databases.operational, kind, "nobody")
        assert (
            find_subject(databases.operational, "organization", str(organization.world.subject))
            == organization.world.subject
        )

"""What must be kept is kept under a name that only the key and the ticket give."""

from __future__ import annotations

import json
import uuid

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure import run as erasure
from aias_core.retention.erasure.requests import Order
from aias_core.retention.erasure.run import run_erasure
from aias_core.retention.stores import opened
from support.erasing import SIGNER, Place
from support.rows import insert_any_row
from support.subjects import house_keys, unguarded

BURIED_KEYS = "SELECT subject_id FROM aias.erased_subjects WHERE subject_kind = 'api_key'"
ORG = uuid.UUID("01890000-0000-7000-8000-000000000002")


def test_statements_are_kept_under_a_pseudonym(organization: Place) -> None:
    organization.erase()
    pseudonym = SIGNER.pseudonym("T-1", organization.world.subject)
    with organization.raw("analytics") as connection:
        row = connection.execute(
            "SELECT org_slug, org_name, project_name FROM aias.statement_lines WHERE org_id = %s", [pseudonym]
        ).fetchall()
        assert row == [(None, None, None)]
    assert SIGNER.pseudonym("T-2", organization.world.subject) != pseudonym


def test_closed_months_keep_their_totals_without_the_name(organization: Place) -> None:
    subject = str(organization.world.subject)
    with organization.raw("operational") as connection:
        row = connection.execute("SELECT slug FROM aias.organizations WHERE org_id = %s", [subject]).fetchone()
        assert row
    totals = [{"org_id": subject, "org_slug": row[0], "amount": "1.25"}, {"org_id": str(ORG), "org_slug": "globex"}]
    diff = [{"org_id": subject, "after": {"requests": 3}}]
    with organization.raw("analytics") as connection, unguarded(connection):
        written = {"totals": json.dumps(totals), "diff": json.dumps(diff), "closed_by": "ana"}
        insert_any_row(connection, "month_closes", month="2026-10-01", version=9, **written)
    organization.erase()
    pseudonym = str(SIGNER.pseudonym("T-1", organization.world.subject))
    with organization.raw("analytics") as connection:
        found = connection.execute("SELECT totals, diff, closed_by FROM aias.month_closes WHERE version = 9").fetchall()
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("UPDATE aias.month_closes SET closed_by = 'eve'")
    expected = [{"org_id": pseudonym, "org_slug": None, "amount": "1.25"}, totals[1]]
    assert found == [(expected, [{"org_id": pseudonym, "after": {"requests": 3}}], "ana")]


def test_the_keys_of_a_person_get_one_pseudonym_everywhere_and_sums_stay(person: Place) -> None:
    at, org, key = clock.now().replace(minute=0, second=0, microsecond=0), uuid.uuid4(), ids.new_id()
    with person.raw("operational") as connection, unguarded(connection):
        insert_any_row(connection, "api_keys", api_key_id=key, user_id=person.world.subject)
        house_keys(connection)
    same = {"org_id": org, "api_key_id": key}
    with person.raw("analytics") as connection, unguarded(connection):
        for table in ("usage_hour_keys", "usage_day_keys"):
            insert_any_row(connection, table, **same, bucket_start=at, requests=7)
        insert_any_row(connection, "usage_series", **same)
        insert_any_row(connection, "usage_facts", **same, occurred_at=at, labels='{"a": "b"}', client="curl")
    person.erase()
    pseudonym = SIGNER.pseudonym("T-1", key)
    with person.raw("analytics") as connection:
        for table in ("usage_hour_keys", "usage_day_keys", "usage_series", "usage_facts"):
            rows = connection.execute(f"SELECT api_key_id FROM aias.{table} WHERE org_id = %s".encode(), [org])
            assert rows.fetchall() == [(pseudonym,)], table
        facts = connection.execute(
            "SELECT actor_id, labels, client, end_user_hash FROM aias.usage_facts WHERE org_id = %s", [org]
        ).fetchall()
        assert facts == [(None, {}, None, None)]
        sums = connection.execute("SELECT sum(requests) FROM aias.usage_hour_keys WHERE org_id = %s", [org]).fetchone()
        assert sums == (7,)
        queued = connection.execute("SELECT bucket_start FROM aias.dirty_hours WHERE org_id = %s", [org]).fetchall()
        assert queued == [(at,)]
        assert (key,) in connection.execute(BURIED_KEYS).fetchall()


def test_erasing_one_person_leaves_the_keys_of_who_was_erased_before(person: Place) -> None:
    keys = {subject: ids.new_id() for subject in (person.world.subject, person.world.other)}
    with person.raw("operational") as connection, unguarded(connection):
        for subject, key in keys.items():
            insert_any_row(connection, "api_keys", api_key_id=key, user_id=subject)
        house_keys(connection)
    person.erase()
    other = Order("user", person.world.other, "T-2", "x")
    with opened(person.stores) as databases:
        for _ in range(2):
            subject = erasure.prepare(person.stores, databases, other).subject
            assert keys[person.world.other] in subject.keys
            assert keys[person.world.subject] not in subject.keys
            run_erasure(person.stores, other, Consent(), SIGNER)

"""Copies that stand before an erasure are erased again, whatever their rows say about owners and requests."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.backup.tombstones import gather_tombstones, read_tombstones
from aias_core.errors import Conflict, PrerequisiteMissing
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure.certificate import Signer
from aias_core.retention.erasure.requests import Order
from aias_core.retention.erasure.run import run_erasure
from aias_core.retention.erasure.tombstones import apply_tombstones
from aias_core.retention.stores import Stores
from aias_core.secret import Secret
from support.rows import put

if TYPE_CHECKING:
    from support.servers import PostgresServer

SIGNER = Signer(Secret(base64.b64encode(b"k" * 32).decode()))
ORG, PERSON = ids.new_id(), ids.new_id()
REQUEST = "SELECT ticket, status, certificate FROM aias.erasure_requests"


def make_tombstone(kind: str, subject: uuid.UUID, **changes: Any) -> dict[str, Any]:
    """A completed erasure as a manifest or the live database tells it."""
    now = clock.format_instant(clock.now())
    times = dict.fromkeys(("due_at", "completed_at", "created_at", "updated_at"), now)
    known = {
        "request_id": str(ids.new_id()),
        "ticket": "T-1",
        "legal_basis": "x",
        "requested_by": "ana",
        "progress": {},
    }
    asked = {"subject_kind": kind, "subject_id": str(subject), "status": "completed", "certificate": {"a": 1}}
    return {**known, **times, **asked, "impact": {}, "row_version": 1, **changes}


def add_owner(operational: psycopg.Connection) -> None:
    put(operational, "organizations", org_id=ORG, slug="acme", display_name="Acme")
    put(operational, "users", user_id=PERSON, display_name="Ana", status="active")
    put(operational, "memberships", org_id=ORG, user_id=PERSON, role="owner", status="active")


def apply(stores: Stores, *tombstones: dict[str, Any]) -> None:
    dsns = {"operational": stores.operational, "analytics": stores.analytics}
    apply_tombstones("test", dsns, tombstones, SIGNER)


def test_who_was_the_only_owner_then_is_erased_and_the_organization_is_suspended(
    stores: Stores, raw_operational: psycopg.Connection
) -> None:
    add_owner(raw_operational)
    for _ in range(2):
        apply(stores, make_tombstone("user", PERSON) | {"request_id": str(PERSON)})
    assert raw_operational.execute("SELECT status, display_name FROM aias.users").fetchall() == [("erased", None)]
    assert raw_operational.execute("SELECT count(*) FROM aias.memberships").fetchone() == (0,)
    found = raw_operational.execute("SELECT status, status_reason FROM aias.organizations").fetchall()
    assert found == [("suspended", "owner_erased")]
    told = raw_operational.execute("SELECT action, details FROM aias.audit_log").fetchall()
    assert told == [("erasure.replay", {"ticket": "T-1", "suspended": [str(ORG)]})]


def test_an_organization_that_was_active_then_is_erased(stores: Stores, raw_operational: psycopg.Connection) -> None:
    add_owner(raw_operational)
    apply(stores, make_tombstone("organization", ORG))
    found = raw_operational.execute("SELECT status, display_name FROM aias.organizations").fetchall()
    assert found == [("deleted", "erased")]
    assert raw_operational.execute("SELECT count(*) FROM aias.memberships").fetchone() == (0,)


def test_a_request_that_was_not_done_then_gets_its_certificate(
    stores: Stores, raw_operational: psycopg.Connection
) -> None:
    tombstone = make_tombstone("organization", ORG)
    asked = {name: tombstone[name] for name in ("request_id", "ticket", "legal_basis", "requested_by", "due_at")}
    subject = {"subject_kind": "organization", "subject_id": ORG, "status": "running"}
    put(raw_operational, "erasure_requests", **asked, **subject)
    apply(stores, tombstone)
    assert raw_operational.execute(REQUEST).fetchall() == [("T-1", "completed", {"a": 1})]


def test_a_certificate_stays_when_an_older_record_of_its_request_comes(
    stores: Stores, raw_operational: psycopg.Connection
) -> None:
    tombstone = make_tombstone("organization", ORG)
    apply(stores, tombstone)
    apply(stores, tombstone | {"status": "running", "certificate": None, "completed_at": None})
    assert raw_operational.execute(REQUEST).fetchall() == [("T-1", "completed", {"a": 1})]


@pytest.mark.parametrize(
    "changes",
    [{"request_id": str(uuid.uuid4())}, {"subject_id": str(uuid.uuid4())}, {"certificate": {"a": 2}}],
    ids=["another request", "another subject", "another certificate"],
)
def test_a_request_that_differs_is_told(stores: Stores, changes: dict[str, Any]) -> None:
    tombstone = make_tombstone("organization", ORG)
    apply(stores, tombstone)
    with pytest.raises(Conflict, match="'T-1'"):
        apply(stores, tombstone | changes)


def test_the_tombstones_of_a_database_can_be_applied_to_another(
    whole: Stores, raw_operational: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    add_owner(raw_operational)
    certificate = run_erasure(whole, Order("organization", ORG, "T-1", "x"), Consent(), SIGNER)
    copies = [
        postgres_server.dsn(postgres_server.clone(name), "aias_migrator") for name in ("operational", "analytics")
    ]
    tombstones = read_tombstones(whole.operational)
    apply_tombstones("test", dict(zip(("operational", "analytics"), copies, strict=True)), tombstones, SIGNER)
    with psycopg.connect(copies[0].reveal()) as copy:
        copy.execute("SET ROLE aias_owner")
        assert copy.execute(REQUEST).fetchall() == [("T-1", "completed", certificate)]


def test_a_live_database_that_is_lost_is_told_and_any_other_failure_is_raised(
    stores: Stores, postgres_server: PostgresServer, operational: str
) -> None:
    kept = make_tombstone("organization", ORG)
    assert gather_tombstones(stores.operational, [kept]).unread is None
    lost = gather_tombstones(postgres_server.superuser("nowhere"), [kept])
    assert lost.tombstones == [kept]
    assert lost.unread is not None
    assert "nowhere" in lost.unread
    with pytest.raises(PrerequisiteMissing):
        gather_tombstones(postgres_server.dsn(operational, "aias_router"), [kept])

"""An erased subject is in no table any more, whatever happens on the way, and others keep what is theirs."""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.approvals import ApprovalMissing, ApprovalPolicy
from aias_core.audit.chain import verify_chain
from aias_core.database.connection import connect
from aias_core.errors import Conflict, DifferenceFound, InvalidInput, NotFound, Partial, PrerequisiteMissing
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure import run as erasure
from aias_core.retention.erasure.certificate import Signer, read_certificate, write_certificate
from aias_core.retention.erasure.requests import Order, find_subject
from aias_core.retention.erasure.run import describe_impact, run_erasure
from aias_core.retention.erasure.verify import verify_erasure
from aias_core.retention.holds import HeldByLaw, add_hold, release_hold
from aias_core.retention.stores import Stores, opened
from aias_core.secret import Secret
from support.killing import run_and_die
from support.rows import insert_any_row, put
from support.subjects import count_rows, fill, house_keys, unguarded

if TYPE_CHECKING:
    from aias_core.objectstore import ObjectStore
    from support.servers import PostgresServer

SIGNER = Signer(Secret(base64.b64encode(b"k" * 32).decode()))
BUCKET = "exports"
KINDS = ["organization", "user"]
BURIED_KEYS = "SELECT subject_id FROM aias.erased_subjects WHERE subject_kind = 'api_key'"
ORG = uuid.UUID("01890000-0000-7000-8000-000000000002")
IGNORED = {"request_id", "requested_at", "completed_at", "signature"}


@dataclass(frozen=True)
class World:
    """Two subjects of one kind with rows everywhere, and how many rows of the first one are to go."""

    kind: Any
    subject: uuid.UUID
    other: uuid.UUID
    rows: dict[str, int]
    operational: str
    analytics: str

    @property
    def order(self) -> Order:
        return Order(self.kind, self.subject, "T-1", "GDPR Art. 17")


@pytest.fixture(scope="module")
def worlds(postgres_server: PostgresServer) -> dict[str, World]:
    return {kind: build_world(postgres_server, kind) for kind in KINDS}


def build_world(server: PostgresServer, kind: str) -> World:
    subject, other = ids.new_id(), ids.new_id()
    names = {database: server.clone(database) for database in ("operational", "analytics")}
    rows: dict[str, int] = {}
    for database, name in names.items():
        with connect(server.superuser(name), autocommit=True) as connection:
            if database == "analytics":
                connection.execute("SELECT aias.ensure_month_partitions(now(), 1)")
            rows |= fill(connection, database, kind, subject)
            fill(connection, database, kind, other)
    return World(kind, subject, other, rows, names["operational"], names["analytics"])


@dataclass(frozen=True)
class Place:
    """A copy of a world that a test may change."""

    world: World
    stores: Stores
    server: PostgresServer
    names: dict[str, str]

    def raw(self, database: str) -> Any:
        return connect(self.server.superuser(self.names[database]), autocommit=True)

    def erase(self, consent: Consent | None = None) -> dict[str, Any]:
        return run_erasure(self.stores, self.world.order, consent or Consent(), SIGNER)


def copy_world(server: PostgresServer, world: World, objects: ObjectStore) -> Place:
    names = {"operational": server.clone(world.operational), "analytics": server.clone(world.analytics)}
    dsns = [server.dsn(name, "aias_migrator") for name in names.values()]
    return Place(world, Stores("test", *dsns, objects, BUCKET), server, names)


@pytest.fixture(params=KINDS)
def place(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore
) -> Place:
    return copy_world(postgres_server, worlds[request.param], objects)


@pytest.fixture
def organization(postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore) -> Place:
    return copy_world(postgres_server, worlds["organization"], objects)


@pytest.fixture
def person(postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore) -> Place:
    return copy_world(postgres_server, worlds["user"], objects)


def dump(place: Place, database: str) -> dict[str, set[str]]:
    """Every row of every table as text."""
    with place.raw(database) as connection:
        return {
            name: {row[0] for row in connection.execute(f"SELECT t::text FROM aias.{name} t".encode())}
            for name in count_rows(connection)
        }


def stable(certificate: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in certificate.items() if key not in IGNORED}


def test_every_row_of_the_subject_goes_and_every_row_of_others_stays(place: Place) -> None:
    before = {database: dump(place, database) for database in place.names}
    certificate = place.erase()
    assert {item["table"]: item["before"] for item in certificate["counts"]} == place.world.rows
    with opened(place.stores) as databases:
        work = erasure.prepare(place.stores, databases, place.world.order)
        assert set(work.count().values()) == {0}
    other = Order(place.world.kind, place.world.other, "T-2", "x")
    assert sum(item["rows"] for item in describe_impact(place.stores, other)["tables"]) == sum(
        place.world.rows.values()
    )
    kept = {name.partition(".")[2] for name in certificate["kept"]}
    journal = {"erasure_requests", "erasure_tombstones", "erased_subjects", "revocations"}
    anonymized = {"organizations", "users", "dim_organizations"}
    for database in place.names:
        for table, lines in dump(place, database).items():
            if table not in kept | journal | anonymized:
                assert not any(str(place.world.subject) in line for line in lines), table
            others = {line for line in before[database][table] if str(place.world.other) in line}
            assert others <= lines, table


def test_the_certificate_says_nothing_personal(place: Place) -> None:
    text = json.dumps(place.erase())
    assert str(place.world.subject) not in text
    with place.raw("operational") as connection:
        for table, column in (("organizations", "slug"), ("users", "display_name")):
            for (value,) in connection.execute(f"SELECT {column} FROM aias.{table}".encode()):
                assert value is None or value not in text


def test_a_second_run_gives_the_same_certificate(place: Place) -> None:
    assert place.erase() == place.erase()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_call_the_next_run_completes_with_the_same_certificate(
    postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore, kind: str
) -> None:
    whole = stable(copy_world(postgres_server, worlds[kind], objects).erase())
    at_call, step, deaths = 5, 19, 0
    while True:
        place = copy_world(postgres_server, worlds[kind], objects)
        died = run_and_die(place.erase, at_call)
        assert stable(place.erase()) == whole, at_call
        if not died:
            break
        deaths, at_call = deaths + 1, at_call + step
    assert deaths > 5


def test_a_dry_run_changes_nothing(place: Place) -> None:
    before = {database: dump(place, database) for database in place.names}
    impact = describe_impact(place.stores, place.world.order)
    assert {f"{item['database']}.{item['table']}": item["rows"] for item in impact["tables"]} == place.world.rows
    assert {database: dump(place, database) for database in place.names} == before


def test_a_hold_stops_it_until_it_is_released(place: Place) -> None:
    with opened(place.stores) as databases:
        hold = add_hold(databases.operational, place.world.kind, place.world.subject, "a court order")
    for attempt in (place.erase, lambda: describe_impact(place.stores, place.world.order)):
        with pytest.raises(HeldByLaw, match=f"'{hold.hold_id}'.*a court order"):
            attempt()
    with place.raw("operational") as connection:
        assert connection.execute("SELECT count(*) FROM aias.erasure_tombstones").fetchone() == (0,)
    with opened(place.stores) as databases:
        assert hold.hold_id
        release_hold(databases.operational, hold.hold_id, "over")
    assert place.erase()["counts"]


def test_a_hold_placed_on_the_way_stops_it_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = erasure._remove_exports

    def hold_then_remove(work: erasure.Work, check: Callable[[], None]) -> None:
        add = {"subject_kind": work.subject.kind, "subject_id": work.subject.id, "reason": "x", "placed_by": "y"}
        put(work.databases.operational, "legal_holds", hold_id=ids.new_id(), **add)
        remove(work, check)

    monkeypatch.setattr(erasure, "_remove_exports", hold_then_remove)
    with pytest.raises(HeldByLaw):
        place.erase()
    with place.raw("operational") as connection:
        rows = connection.execute("SELECT status FROM aias.erasure_requests WHERE ticket = 'T-1'").fetchall()
        assert rows == [("running",)]
        assert connection.execute("SELECT count(*) FROM aias.memberships").fetchone() == (2,)


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


@pytest.mark.parametrize("bucket", [None, "nowhere"])
def test_where_exports_cannot_be_looked_at_it_is_not_complete(organization: Place, bucket: str | None) -> None:
    objects = organization.stores.objects if bucket else None
    blind = replace(organization.stores, objects=objects, bucket=bucket or "")
    assert describe_impact(blind, organization.world.order)["objects_unseen"]
    with pytest.raises(Partial, match="nothing is erased"):
        run_erasure(blind, organization.world.order, Consent(), SIGNER)
    with organization.raw("analytics") as connection:
        assert connection.execute("SELECT count(*) FROM aias.export_jobs").fetchone() == (2,)
    certificate = organization.erase()
    assert {item["table"]: item["before"] for item in certificate["counts"]} == organization.world.rows
    with pytest.raises(PrerequisiteMissing):
        verify_erasure(blind, certificate)


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


def test_writers_that_began_before_are_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.raw("analytics") as writer:
        monkeypatch.setattr(erasure, "WRITERS_SECONDS", 0.2)
        with writer.transaction():
            with unguarded_rows(writer):
                insert_any_row(writer, "dead_letters", payload=str(place.world.subject).encode())
            with pytest.raises(Partial, match="may still write"):
                place.erase()
    assert place.erase()["counts"]
    with place.raw("analytics") as connection:
        assert connection.execute("SELECT count(*) FROM aias.dead_letters").fetchone() == (1,)


def unguarded_rows(connection: psycopg.Connection) -> Any:
    from contextlib import nullcontext

    return nullcontext(connection)


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


@pytest.fixture
def written(place: Place, tmp_path: Path) -> Path:
    write_certificate(place.erase(), tmp_path / "certificate.json")
    return tmp_path / "certificate.json"


def test_a_certificate_is_verified_offline_and_against_the_databases(place: Place, written: Path) -> None:
    certificate = read_certificate(written, SIGNER.public_key)
    verify_erasure(place.stores, certificate)


def test_a_changed_byte_is_found(written: Path) -> None:
    content = json.loads(written.read_bytes())
    for key in content.keys() - {"schema", "key", "signature"}:
        written.write_text(json.dumps({**content, key: "other"}))
        with pytest.raises(DifferenceFound, match="was altered"):
            read_certificate(written, SIGNER.public_key)
    flipped = bytearray(base64.b64decode(content["signature"]))
    flipped[7] ^= 1
    written.write_text(json.dumps({**content, "signature": base64.b64encode(flipped).decode()}))
    with pytest.raises(DifferenceFound, match="was altered"):
        read_certificate(written, SIGNER.public_key)


def test_a_certificate_of_somebody_else_is_refused(written: Path) -> None:
    other = Signer(Secret(base64.b64encode(os.urandom(32)).decode()))
    with pytest.raises(DifferenceFound, match="signed by another key"):
        read_certificate(written, other.public_key)
    written.write_text("{}")
    with pytest.raises(InvalidInput, match="not a certificate"):
        read_certificate(written, SIGNER.public_key)


def test_what_comes_back_is_found_and_goes_again(place: Place, written: Path) -> None:
    certificate = read_certificate(written, SIGNER.public_key)
    with place.raw("analytics") as connection:
        insert_any_row(connection, "dead_letters", payload=str(place.world.subject).upper().encode())
    with pytest.raises(DifferenceFound, match=r"has come back: 1 rows in analytics\.dead_letters"):
        verify_erasure(place.stores, certificate)
    assert place.erase() == certificate
    verify_erasure(place.stores, certificate)


def test_a_database_without_the_tombstone_is_found(place: Place, written: Path) -> None:
    certificate = read_certificate(written, SIGNER.public_key)
    with place.raw("analytics") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM aias.erased_subjects WHERE subject_id = %s", [place.world.subject])
    with pytest.raises(DifferenceFound, match="tombstone is missing in 'analytics'"):
        verify_erasure(place.stores, certificate)
    with pytest.raises(NotFound):
        verify_erasure(place.stores, {**certificate, "request_id": str(uuid.uuid4())})


def test_a_subject_that_is_not_there_is_named(organization: Place) -> None:
    with opened(organization.stores) as databases:
        for kind in ("organization", "user"):
            with pytest.raises(NotFound, match="'nobody'"):
                find_subject(databases.operational, kind, "nobody")
        assert (
            find_subject(databases.operational, "organization", str(organization.world.subject))
            == organization.world.subject
        )

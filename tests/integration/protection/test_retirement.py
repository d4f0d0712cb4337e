"""A hashing key is retired when nothing is found by it alone, and nothing hashed under it is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import ids
from aias_core.database.connection import connect
from aias_core.errors import AiasError, NotFound
from aias_core.protection.data_keys import DataKeys, WrongKey, hash_for_all_keys, register_active_keys, register_key
from aias_core.protection.retirement import KeyInUse, Retirement, retire_key
from aias_core.protection.rotation import Rotation, rotate_email_key
from aias_core.secret import Secret
from support.environments import CommandLine
from support.keys import enter_person, make_data_keys, make_variables
from support.rows import insert_any_row
from support.subjects import unguarded

if TYPE_CHECKING:
    from support.servers import PostgresServer

KEYS = make_data_keys("e2", "k2")
PEOPLE = 30


@pytest.fixture
def dsn(postgres_server: PostgresServer, operational: str) -> Secret:
    return postgres_server.dsn(operational, "aias_migrator")


@pytest.fixture
def identity(postgres_server: PostgresServer, operational: str) -> Iterator[psycopg.Connection]:
    """The service, which enters people."""
    with connect(postgres_server.dsn(operational, "aias_identity"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(dsn: Secret, identity: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A database whose people were hashed under 'e1' and then under 'e2' as well."""
    register_active_keys(identity, KEYS)
    for number in range(PEOPLE):
        enter_person(identity, KEYS, f"person-{number}@example.org")
    with connect(dsn, autocommit=True) as connection:
        rotate_email_key(connection, KEYS, Rotation("e1", "e2"), lambda _: None)
        yield connection


def retire(connection: psycopg.Connection, kid: str = "e1", keys: DataKeys = KEYS) -> Retirement:
    return retire_key(connection, keys, kid, lambda _: None, batch=7)


def list_digests(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT kid, count(*) FROM aias.user_email_hashes GROUP BY kid").fetchall())


def status_of(connection: psycopg.Connection, kid: str) -> str | None:
    row = connection.execute("SELECT status FROM aias.hash_keys WHERE kid = %s", [kid]).fetchone()
    return None if row is None else str(row[0])


def test_a_key_that_was_left_is_retired_with_its_digests(
    store: psycopg.Connection, identity: psycopg.Connection
) -> None:
    assert (retire(store).removed, status_of(store, "e1")) == (PEOPLE, "retired")
    assert list_digests(store) == {"e2": PEOPLE}
    assert set(hash_for_all_keys(store, KEYS, "next@example.org")) == {"e2"}
    enter_person(identity, KEYS, "next@example.org")
    with pytest.raises(psycopg.errors.UniqueViolation):
        enter_person(identity, KEYS, "person-3@example.org")
    assert (retire(store).removed, status_of(store, "e1")) == (0, "retired")


def test_a_killed_retirement_is_completed_by_the_next_run(store: psycopg.Connection) -> None:
    store.execute("UPDATE aias.hash_keys SET status = 'retired', retired_at = now() WHERE kid = 'e1'")
    assert retire(store).removed == PEOPLE
    assert list_digests(store) == {"e2": PEOPLE}


@pytest.mark.parametrize(
    ("kid", "error", "sentence"),
    [
        ("e2", KeyInUse, "'e2' is the active key of 'email'"),
        ("c1", KeyInUse, "'c1' encrypts"),
        ("e9", NotFound, "There is no key 'e9'"),
    ],
)
def test_a_key_that_is_in_use_stays(store: psycopg.Connection, kid: str, error: type[AiasError], sentence: str) -> None:
    before = status_of(store, kid)
    with pytest.raises(error, match=sentence) as caught:
        retire(store, kid)
    assert caught.value.hint
    assert (status_of(store, kid), list_digests(store)) == (before, {"e1": PEOPLE, "e2": PEOPLE})


def test_a_person_who_is_found_by_it_alone_keeps_it(store: psycopg.Connection) -> None:
    store.execute(
        "DELETE FROM aias.user_email_hashes WHERE ctid IN "
        "(SELECT ctid FROM aias.user_email_hashes WHERE kid = 'e2' LIMIT 2)"
    )
    with pytest.raises(KeyInUse, match="2 people are found by it alone") as caught:
        retire(store)
    assert "aias db hash rotate --from e1 --to KID" in (caught.value.hint or "")
    assert (status_of(store, "e1"), list_digests(store)["e1"]) == ("accepting", PEOPLE)


def test_an_invite_keeps_its_key_until_retention_removes_it(
    store: psycopg.Connection, postgres_server: PostgresServer, operational: str
) -> None:
    with connect(postgres_server.superuser(operational), autocommit=True) as connection, unguarded(connection):
        insert_any_row(connection, "invites", hash_kid="e1")
    with pytest.raises(KeyInUse, match="1 invites are found by it alone") as caught:
        retire(store)
    assert (caught.value.hint or "").endswith("30 days after it has expired: aias db retention run")


def test_a_retired_key_does_not_take_over(store: psycopg.Connection) -> None:
    register_key(store, KEYS, "api_key", "k2")
    store.execute("UPDATE aias.hash_keys SET status = 'retired', retired_at = now() WHERE kid = 'k2'")
    with pytest.raises(WrongKey, match="The key 'k2' is retired"):
        retire(store, "k1", replace(KEYS, active={**KEYS.active, "api_key": "k2"}))
    assert status_of(store, "k1") == "active"


def test_an_api_key_keeps_its_hashing_key_until_it_has_ended(
    store: psycopg.Connection, identity: psycopg.Connection, dsn: Secret
) -> None:
    org_id, user_id = ids.new_id(), enter_person(identity, KEYS, "owner@example.org")
    with connect(dsn) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute(
            "INSERT INTO aias.organizations (org_id, slug, display_name, kind, plan_tier, status) "
            "VALUES (%s, 'acme', 'Acme', 'customer', 'starter', 'active')",
            [org_id],
        )
        connection.execute(
            "INSERT INTO aias.memberships (org_id, user_id, role, status) VALUES (%s, %s, 'owner', 'active')",
            [org_id, user_id],
        )
        connection.execute(
            "INSERT INTO aias.api_keys (api_key_id, org_id, user_id, name, prefix, last4, secret_hash, hash_kid, "
            "scopes) VALUES (%s, %s, %s, 'one', 'aias_sk_x', 'abcd', %s, 'k1', '{inference.call}')",
            [ids.new_id(), org_id, user_id, bytes(range(32))],
        )
    with pytest.raises(KeyInUse, match="'k1' is the active key of 'api_key'"):
        retire(store, "k1")
    later = replace(KEYS, active={**KEYS.active, "api_key": "k2"})
    with pytest.raises(KeyInUse, match="1 API keys are found by it alone"):
        retire(store, "k1", later)
    assert (status_of(store, "k1"), status_of(store, "k2")) == ("active", None)
    store.execute("UPDATE aias.api_keys SET status = 'revoked', revoked_at = now(), revoke_reason = 'x'")
    assert retire(store, "k1", later).purpose == "api_key"
    assert (status_of(store, "k1"), status_of(store, "k2")) == ("retired", "active")


@pytest.mark.usefixtures("store")
def test_the_command_says_what_it_removed(dsn: Secret, tmp_path: Path) -> None:
    line = CommandLine(tmp_path, {"AIAS_OPERATIONAL_DSN": dsn.reveal(), **make_variables(KEYS)})
    assert line.fault("db", "hash", "retire", "e1", code=6)["hint"]
    done = line.json("db", "hash", "retire", "e1", "--yes")
    assert (done["kid"], done["purpose"], done["removed"]) == ("e1", "email", PEOPLE)

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.identity.api_keys import KeyNameTaken, issue_key, list_keys, resolve_key
from aias_core.identity.keys import HashKeys, check_form
from aias_core.identity.organizations import SlugTaken, create_organization, list_organizations
from aias_core.secret import Secret

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def hash_keys() -> HashKeys:
    return HashKeys.parse(Secret("k1:" + base64.b64encode(secrets.token_bytes(32)).decode()))


@pytest.fixture
def store(postgres_server: PostgresServer, operational: str) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.dsn(operational, "aias_identity"), autocommit=True) as connection:
        yield connection


def test_an_organization_is_created_once(store: psycopg.Connection) -> None:
    made = create_organization(store, "acme", "Acme Inc.")
    assert (made["slug"], made["status"], made["currency"]) == ("acme", "active", "USD")
    with pytest.raises(SlugTaken):
        create_organization(store, "acme")
    assert [row["slug"] for row in list_organizations(store)] == ["acme"]


@pytest.mark.parametrize("slug", ["", "a", "Acme", "1acme", "ac--me", "-acme", "acme-", "ac me", "a" * 64, "../x"])
def test_a_bad_slug_is_refused(store: psycopg.Connection, slug: str) -> None:
    with pytest.raises(InvalidInput):
        create_organization(store, slug)


def test_the_text_of_a_key_is_nowhere_in_the_database(store: psycopg.Connection, hash_keys: HashKeys) -> None:
    create_organization(store, "acme")
    shown, text = issue_key(store, hash_keys, "local", "acme", "laptop")
    check_form(text.reveal(), "local")
    assert text.reveal() not in repr(shown)
    row = store.execute("SELECT k::text FROM aias.api_keys k").fetchone()
    assert row
    assert text.reveal() not in row[0]
    assert text.reveal()[16:-4] not in row[0]


def test_a_key_is_found_by_its_digest_only(store: psycopg.Connection, hash_keys: HashKeys) -> None:
    create_organization(store, "acme")
    shown, text = issue_key(store, hash_keys, "local", "acme", "laptop")
    grant = resolve_key(store, hash_keys.digests(text.reveal()))
    assert grant
    assert (grant["api_key_id"], grant["org_slug"]) == (shown["api_key_id"], "acme")
    assert resolve_key(store, hash_keys.digests(text.reveal() + "x")) is None


@pytest.mark.parametrize(
    "change",
    ["status = 'revoked'", "expires_at = now()", "status = 'quarantined'"],
    ids=["revoked", "expired", "quarantined"],
)
def test_a_key_that_ended_looks_like_one_that_never_was(
    store: psycopg.Connection, hash_keys: HashKeys, change: str
) -> None:
    create_organization(store, "acme")
    _, text = issue_key(store, hash_keys, "local", "acme", "laptop")
    store.execute(f"UPDATE aias.api_keys SET {change}".encode())
    assert resolve_key(store, hash_keys.digests(text.reveal())) is None


def test_a_key_name_is_unique_in_its_organization(store: psycopg.Connection, hash_keys: HashKeys) -> None:
    for slug in ("acme", "globex"):
        create_organization(store, slug)
        issue_key(store, hash_keys, "local", slug, "laptop")
    with pytest.raises(KeyNameTaken):
        issue_key(store, hash_keys, "local", "acme", "laptop")
    assert len(list_keys(store, "acme")) == 1


def test_who_cannot_get_a_key_is_told_why(store: psycopg.Connection, hash_keys: HashKeys) -> None:
    create_organization(store, "acme")
    with pytest.raises(NotFound):
        issue_key(store, hash_keys, "local", "nobody", "laptop")
    with pytest.raises(InvalidInput, match="Unknown scope: admin"):
        issue_key(store, hash_keys, "local", "acme", "laptop", scopes=["admin"])
    with pytest.raises(InvalidInput, match="1 to 365 days"):
        issue_key(store, hash_keys, "local", "acme", "laptop", expires_in_days=0)
    store.execute("UPDATE aias.organizations SET status = 'suspended', status_reason = 'unpaid'")
    with pytest.raises(Refused, match="suspended"):
        issue_key(store, hash_keys, "local", "acme", "laptop")


def test_a_tenant_sees_its_own_keys_only_and_never_a_hash(store: psycopg.Connection, hash_keys: HashKeys) -> None:
    acme = create_organization(store, "acme")
    create_organization(store, "globex")
    for slug in ("acme", "globex"):
        issue_key(store, hash_keys, "local", slug, "laptop")
    store.execute("SET ROLE aias_reader")
    assert store.execute("SELECT name FROM aias.api_keys").fetchall() == []
    store.execute("SELECT set_config('aias.org_id', %s, false)", [str(acme["org_id"])])
    assert store.execute("SELECT name FROM aias.api_keys").fetchall() == [("laptop",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        store.execute("SELECT secret_hash FROM aias.api_keys")

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.analytics.dimensions import Synced, recheck_costs, sync_dimensions
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.contracts import usage
from aias_core.database.connection import connect
from support.events import MODEL, PRICE_ID, make_event
from support.rows import insert_any_row
from support.subjects import unguarded

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def operational_store(postgres_server: PostgresServer, operational: str) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.dsn(operational, "aias_analytics"), autocommit=True) as connection:
        yield connection


def change(postgres_server: PostgresServer, operational: str, statement: str) -> None:
    with connect(postgres_server.dsn(operational, "postgres"), autocommit=True) as owner:
        owner.execute(statement.encode())


def test_a_sync_says_what_was_added_and_what_has_changed(
    postgres_server: PostgresServer, operational: str, operational_store: psycopg.Connection, store: psycopg.Connection
) -> None:
    def sync() -> dict[str, tuple[int, int]]:
        return {one.kind: (one.added, one.changed) for one in sync_dimensions(operational_store, store)}

    sync()
    assert set(sync().values()) == {(0, 0)}
    change(
        postgres_server,
        operational,
        "INSERT INTO aias.organizations (org_id, slug, display_name, currency)"
        " VALUES (gen_random_uuid(), 'euro', 'Euro', 'EUR')",
    )
    assert sync()["organizations"] == (1, 0)
    assert store.execute("SELECT currency FROM aias.dim_organizations WHERE slug = 'euro'").fetchone() == ("EUR",)
    change(
        postgres_server,
        operational,
        "INSERT INTO aias.models (model_id, name, display_name, operations, status)"
        " VALUES (gen_random_uuid(), 'new-model', 'New', '{chat}', 'disabled')",
    )
    assert sync()["models"] == (1, 0)
    change(postgres_server, operational, "UPDATE aias.models SET name = 'renamed' WHERE name = 'new-model'")
    assert sync()["models"] == (0, 1)
    assert set(sync().values()) == {(0, 0)}


@pytest.mark.parametrize("kind", ["organization", "user", "api_key"])
def test_names_of_who_was_erased_do_not_come_back(
    postgres_server: PostgresServer,
    operational: str,
    operational_store: psycopg.Connection,
    store: psycopg.Connection,
    kind: str,
) -> None:
    ids = {"organization": uuid.uuid4(), "user": uuid.uuid4(), "api_key": uuid.uuid4()}
    with connect(postgres_server.superuser(operational), autocommit=True) as owner, unguarded(owner):
        insert_any_row(owner, "organizations", org_id=ids["organization"], currency="USD")
        insert_any_row(owner, "projects", org_id=ids["organization"])
        held = {"org_id": ids["organization"], "user_id": ids["user"], "api_key_id": ids["api_key"]}
        insert_any_row(owner, "api_keys", **held)
    store.execute("INSERT INTO aias.erased_subjects VALUES (%s, %s, now())", [kind, ids[kind]])
    added = {one.kind: one.added for one in sync_dimensions(operational_store, store)}
    left = 0 if kind == "organization" else 1
    assert (added["organizations"], added["projects"], added["keys"]) == (left, left, 0)


def test_what_is_reserved_to_an_organization_stays_so_in_the_copy(
    postgres_server: PostgresServer, operational: str, operational_store: psycopg.Connection, store: psycopg.Connection
) -> None:
    sync_dimensions(operational_store, store)
    change(
        postgres_server,
        operational,
        "INSERT INTO aias.organizations (org_id, slug, display_name) VALUES (gen_random_uuid(), 'euro', 'Euro');"
        "INSERT INTO aias.models (model_id, name, display_name, operations, status, org_id)"
        " SELECT gen_random_uuid(), 'private', 'Private', '{chat}', 'disabled', org_id"
        " FROM aias.organizations WHERE slug = 'euro';"
        "WITH of AS (SELECT model_id, org_id FROM aias.models WHERE name = 'private'), list AS ("
        " INSERT INTO aias.model_prices (price_id, model_id, operation, input_pico, cached_input_pico, output_pico,"
        " effective_from) SELECT gen_random_uuid(), model_id, 'chat', 2, 1, 2, now() + interval '1 day' FROM of"
        " RETURNING price_id)"
        " INSERT INTO aias.model_prices (price_id, model_id, org_id, operation, input_pico, cached_input_pico,"
        " output_pico, effective_from, list_price_id) SELECT gen_random_uuid(), model_id, org_id, 'chat', 1, 1, 1,"
        " now() + interval '1 day', price_id FROM of, list",
    )
    sync_dimensions(operational_store, store)
    owner = "SELECT o.slug FROM aias.dim_models m JOIN aias.dim_organizations o USING (org_id) WHERE m.name = 'private'"
    assert store.execute(owner).fetchall() == [("euro",)]
    negotiated = (
        "SELECT o.slug, list_price_id IS NOT NULL FROM aias.dim_prices p JOIN aias.dim_organizations o USING (org_id)"
    )
    assert store.execute(negotiated).fetchall() == [("euro", True)]


def test_facts_that_waited_for_a_price_get_their_verdict_and_keep_their_cost(store: psycopg.Connection) -> None:
    unknown = "01890000-0000-7000-8000-0000000000cc"
    events = [make_event(price_id=unknown), make_event(price_id=unknown, cost_pico=1), make_event()]
    ingest_lines(store, [usage.encode(event) for event in events], "test")
    assert verdicts(store) == ["ok", "pending", "pending"]
    assert recheck_costs(store) == 0
    store.execute(
        "INSERT INTO aias.dim_prices (price_id, model_id, operation, currency, input_pico, cached_input_pico,"
        " output_pico, request_pico, effective_from) SELECT %s, %s, operation, currency, input_pico,"
        " cached_input_pico, output_pico, request_pico, %s FROM aias.dim_prices WHERE price_id = %s",
        [unknown, MODEL, datetime(2026, 1, 1, tzinfo=UTC), PRICE_ID],
    )
    before = store.execute("SELECT sum(cost_pico) FROM aias.usage_facts").fetchone()
    assert recheck_costs(store) == 2
    assert verdicts(store) == ["mismatch", "ok", "ok"]
    assert store.execute("SELECT sum(cost_pico) FROM aias.usage_facts").fetchone() == before
    assert recheck_costs(store) == 0


def verdicts(store: psycopg.Connection) -> list[str]:
    return sorted(row[0] for row in store.execute("SELECT cost_check FROM aias.usage_facts"))


def test_a_record_of_a_sync_has_its_kind() -> None:
    assert Synced("models", 1, 2).as_record() == {"kind": "models", "added": 1, "changed": 2}


def test_of_keys_nothing_secret_can_be_read(operational_store: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        operational_store.execute("SELECT secret_hash FROM aias.api_keys")

"""Row security: a tenant's role sees its own rows in every table, nobody else's, and none without a setting."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from aias_core.protection.policy import load_policy
from support.rows import insert_any_row, loosen

if TYPE_CHECKING:
    from support.servers import PostgresServer

A, B = uuid.uuid4(), uuid.uuid4()
TENANT_TABLES = """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
WHERE c.relnamespace = 'aias'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""
VIEWS = "SELECT relname FROM pg_class WHERE relnamespace = 'aias'::regnamespace AND relkind = 'v' ORDER BY 1"


def tenants_seen(connection: psycopg.Connection, relation: str, tenant: uuid.UUID | None) -> set[uuid.UUID] | None:
    """The organizations whose rows a role sees; None where it may not read at all. Nobody's rows do not count."""
    connection.execute("SELECT set_config('aias.org_id', %s, false)", [str(tenant or "")])
    statement = sql.SQL("SELECT DISTINCT org_id FROM {} WHERE org_id IS NOT NULL")
    try:
        rows = connection.execute(statement.format(sql.Identifier("aias", relation))).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return {org for (org,) in rows}


def fill(connection: psycopg.Connection) -> list[str]:
    tables = [name for (name,) in connection.execute(TENANT_TABLES)]
    loosen(connection)
    for table in tables:
        for org_id in (A, B):
            insert_any_row(connection, table, org_id=org_id)
    return tables


def test_a_tenant_sees_its_own_rows_in_every_table_and_nobody_elses(superuser: psycopg.Connection) -> None:
    tables = fill(superuser)
    superuser.execute("SET ROLE aias_reader")
    seen = {table: tenants_seen(superuser, table, A) for table in tables}
    readable = [table for table, tenants in seen.items() if tenants is not None]
    assert {table: seen[table] for table in readable} == {table: {A} for table in readable}
    assert {table: tenants_seen(superuser, table, None) for table in readable} == {table: set() for table in readable}
    assert len(readable) > len(tables) / 2


def test_who_only_looks_sees_one_tenant_through_views_and_no_table(superuser: psycopg.Connection) -> None:
    tables = fill(superuser)
    views = [name for (name,) in superuser.execute(VIEWS) if name.removeprefix("readable_") in tables]
    superuser.execute("SET ROLE aias_readonly")
    assert {view: tenants_seen(superuser, view, A) for view in views} == {view: {A} for view in views}
    assert {view: tenants_seen(superuser, view, None) for view in views} == {view: set() for view in views}
    assert [table for table in tables if tenants_seen(superuser, table, A) is not None] == []
    assert len(views) > len(tables) / 2


def test_no_view_and_no_tenant_reads_a_restricted_column(superuser: psycopg.Connection, database: str) -> None:
    policy = load_policy().tables(database.split("_", maxsplit=1)[0])
    restricted = {
        (table, name) for table, p in policy.items() for name, c in p.columns.items() if c.data_class == "restricted"
    }
    readable = superuser.execute(
        """SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'aias'::regnamespace AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
            AND (has_column_privilege('aias_reader', c.oid, a.attnum, 'SELECT')
                OR has_column_privilege('aias_readonly', c.oid, a.attnum, 'SELECT'))
        UNION
        SELECT t.relname, a.attname FROM pg_class v JOIN pg_rewrite w ON w.ev_class = v.oid
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjsubid > 0
        JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE v.relnamespace = 'aias'::regnamespace AND v.relkind = 'v'"""
    ).fetchall()
    assert restricted
    assert len(readable) > 100
    assert restricted & set(readable) == set()


def test_a_lookup_finds_a_key_before_the_tenant_is_known(postgres_server: PostgresServer, operational: str) -> None:
    digest = b"d" * 32
    with psycopg.connect(postgres_server.superuser(operational).reveal(), autocommit=True) as connection:
        loosen(connection)
        insert_any_row(connection, "organizations", org_id=A, status="active")
        key = {"org_id": A, "secret_hash": digest, "hash_kid": "k1", "status": "active", "expires_at": None}
        insert_any_row(connection, "api_keys", **key)
    with psycopg.connect(postgres_server.dsn(operational, "aias_identity").reveal(), autocommit=True) as connection:
        found = connection.execute("SELECT org_id, org_status FROM aias.find_api_key('k1', %s)", [digest]).fetchall()
        assert found == [(A, "active")]
        assert connection.execute("SELECT * FROM aias.find_api_key('k2', %s)", [digest]).fetchall() == []
    router = psycopg.connect(postgres_server.dsn(operational, "aias_router").reveal(), autocommit=True)
    with router as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM aias.find_api_key('k1', %s)", [digest])

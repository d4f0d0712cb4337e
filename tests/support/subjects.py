"""People and organizations with a row in every table that the data policy says can hold one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from aias_core.protection.policy import TablePolicy, load_policy
from support.rows import insert_any_row

CHECKS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'c' AND conparentid = 0 AND conislocal AND connamespace = 'aias'::regnamespace
"""
KEYS = """
SELECT array_agg(a.attname::text)
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND i.indrelid = format('aias.%%I', %s::text)::regclass
"""
KINDS = """
SELECT attname, format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = format('aias.%%I', %s::text)::regclass
"""


@contextmanager
def unguarded(connection: psycopg.Connection) -> Iterator[None]:
    """Rows of the right type are enough: triggers and foreign keys sleep, and checks are gone for good."""
    connection.execute("SET session_replication_role = replica")
    for table, name in connection.execute(CHECKS).fetchall():
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    yield
    connection.execute("RESET session_replication_role")


def fill(connection: psycopg.Connection, database: str, kind: str, subject: uuid.UUID) -> dict[str, int]:
    """One row of a subject in every table that can hold one; how many rows each has, kept ones left out."""
    tables = {name: table for name, table in load_policy().tables(database).items() if kind in table.subject}
    with unguarded(connection):
        for name in sorted(tables, key=lambda name: _rank(tables[name], kind)):
            _insert(connection, name, tables[name], kind, subject)
        if database == "operational":
            house_keys(connection)
    return {f"{database}.{name}": 1 for name, table in tables.items() if table.erasure.get(kind) != "keep"}


def house_keys(connection: psycopg.Connection) -> None:
    """Every key belongs to an organization that is there."""
    for (org_id,) in connection.execute(
        "SELECT org_id FROM aias.api_keys EXCEPT SELECT org_id FROM aias.organizations"
    ).fetchall():
        insert_any_row(connection, "organizations", org_id=org_id)


def _rank(table: TablePolicy, kind: str) -> int:
    path = table.subject[kind][0]  # type: ignore[index]
    return 2 if "." in path or path == "email_hash" else 1


def _insert(connection: psycopg.Connection, name: str, table: TablePolicy, kind: str, subject: uuid.UUID) -> None:
    owner, _, column = table.subject[kind][0].rpartition(".")  # type: ignore[index]
    if column == "email_hash":
        fixed = _copy(connection, "user_email_hashes", "user_id", subject, {"kid": "hash_kid"})
    elif owner:
        fixed = _copy(connection, owner, column, subject, {})
    else:
        kinds = dict(connection.execute(KINDS, [name]).fetchall())
        fixed = {column: f"x{subject}y".encode() if kinds[column] == "bytea" else subject}
        fixed = {column: str(subject)} if kinds[column] == "text" else fixed
        fixed = {column: f'[{{"org_id": "{subject}"}}]'} if kinds[column] == "jsonb" else fixed
    if name == "export_jobs":
        fixed["object_key"] = None
    insert_any_row(connection, name, **fixed)


def _copy(
    connection: psycopg.Connection, owner: str, column: str, subject: uuid.UUID, names: dict[str, str]
) -> dict[str, Any]:
    """The values of the owner's key, under the names that they have elsewhere."""
    keys = connection.execute(KEYS, [owner]).fetchall()[0][0]
    statement = f"SELECT {', '.join(keys)} FROM aias.{owner} WHERE {column}::text = %s"
    row = connection.execute(statement.encode(), [str(subject)]).fetchone()
    assert row, owner
    return {names.get(key, key): value for key, value in zip(keys, row, strict=True)}


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """The rows of every table."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'aias'::regnamespace AND relkind IN ('r', 'p') AND "
        "NOT relispartition"
    ).fetchall()
    return {
        name: connection.execute(f"SELECT count(*) FROM aias.{name}".encode()).fetchall()[0][0] for (name,) in tables
    }

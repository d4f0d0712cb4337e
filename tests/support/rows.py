"""Rows for any table: valid in type only, for a database whose checks, foreign keys and triggers were taken away."""

from __future__ import annotations

import secrets
from typing import Any

import psycopg
from psycopg import sql

from aias_core import clock
from support.events import id_at

LOOSEN = """
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
        WHERE connamespace = 'aias'::regnamespace AND contype IN ('c', 'f') AND conparentid = 0 AND conislocal
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname);
    END LOOP;
    FOR r IN SELECT tgrelid::regclass AS t, tgname FROM pg_trigger
        WHERE NOT tgisinternal AND tgparentid = 0 AND tgrelid::regclass::text LIKE 'aias.%'
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', r.tgname, r.t);
    END LOOP;
END
$$
"""
COLUMNS = """
SELECT attname, format_type(atttypid, -1) FROM pg_attribute
WHERE attrelid = format('aias.%%I', %s::text)::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''
"""


def loosen(connection: psycopg.Connection) -> None:
    """Takes everything away that refuses a row; row security, grants and keys stay."""
    connection.execute(LOOSEN)


def insert_any_row(connection: psycopg.Connection, table: str, **fixed: Any) -> None:
    """One row with a value of the right type in every column, and the given ones."""
    columns = dict(connection.execute(COLUMNS, [table]).fetchall())
    values = {name: fixed.get(name, make_value(kind)) for name, kind in columns.items()}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("aias", table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.SQL("%s::{}").format(sql.SQL(columns[name])) for name in values),
    )
    connection.execute(statement, list(values.values()))


def make_value(kind: str) -> Any:
    if kind.endswith("[]"):
        return []
    if kind.startswith(("timestamp", "date")):
        return clock.now()
    if kind in ("smallint", "integer", "bigint", "numeric"):
        return secrets.randbelow(30_000)
    values = {
        "uuid": lambda: id_at(clock.now()),
        "boolean": lambda: False,
        "bytea": lambda: secrets.token_bytes(32),
        "jsonb": lambda: "{}",
        "inet": lambda: "192.0.2.1",
        "bpchar": lambda: "USD",
    }
    return values.get(kind, lambda: secrets.token_hex(8))()


def put(connection: psycopg.Connection, table: str, **values: Any) -> None:
    """One row with the given values; everything else is the table's own."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("aias", table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    connection.execute(statement, list(values.values()))

"""Every CHECK of both databases can refuse and can accept: values are tried until both were seen."""

from __future__ import annotations

import re

import psycopg
from psycopg import sql

CHECKS = """SELECT c.relname, k.conname, pg_get_expr(k.conbin, k.conrelid), (
    SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, -1)) FROM pg_attribute a
    WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'c' AND k.connamespace = 'aias'::regnamespace AND k.conparentid = 0 AND NOT c.relispartition"""
LITERAL = re.compile(r"'((?:[^']|'')*)'::text")
CANDIDATES = {
    "text": [
        "",
        "x",
        "Acme!",
        "a-b",
        "$argon2id$x",
        "https://a.example",
        "action.done",
        "platform",
        "x" * 300,
        "x" * 3000,
    ],
    "bpchar": ["USD", "usd"],
    "smallint": ["0", "1", "3", "99", "200"],
    "integer": ["-1", "0", "1", "60", "100000"],
    "bigint": ["-1", "0", "1", "2", "3"],
    "numeric": ["-1", "0", "1", "2"],
    "boolean": ["true", "false"],
    "uuid": ["01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"],
    "bytea": ["\\x", "\\x" + "00" * 16, "\\x" + "00" * 32, "\\x" + "00" * 64, "\\x" + "00" * 300_000],
    "jsonb": ["{}", "[]", '{"a": "b"}', '{"a": 1}', '{"a": "' + "x" * 20_000 + '"}'],
    "timestamp with time zone": ["2026-01-01", "2026-01-01 12:00", "2026-06-01"],
    "date": ["2026-01-01", "2026-01-02"],
    "text[]": ["{}", "{nope}"],
    "smallint[]": ["{}", "{50}", "{80,50}", "{50,80}", "{0}"],
    "bigint[]": ["{}", "{1}"],
}


def candidates(kind: str, expression: str) -> list[str | None]:
    literals = [text.replace("''", "'") for text in LITERAL.findall(expression)]
    if kind == "text":
        return [None, *CANDIDATES[kind], *literals]
    if kind == "text[]":
        return [None, *CANDIDATES[kind], *("{" + literal + "}" for literal in literals if literal not in ("", "{}"))]
    return [None, *CANDIDATES[kind]]


def can_be(connection: psycopg.Connection, expression: str, columns: dict[str, str], verdict: bool) -> bool:
    sources = [
        sql.SQL("unnest({}::{}) AS {}({})").format(
            sql.Literal(candidates(kind, expression)),
            sql.SQL("text[]"),
            sql.Identifier(f"c_{name}"),
            sql.Identifier(f"t_{name}"),
        )
        for name, kind in columns.items()
    ]
    typed = [
        sql.SQL("{}::{} AS {}").format(sql.Identifier(f"t_{name}"), sql.SQL(kind), sql.Identifier(name))
        for name, kind in columns.items()
    ]
    statement = sql.SQL("SELECT EXISTS (SELECT FROM (SELECT {} FROM {}) AS candidate WHERE ({}) IS {})").format(
        sql.SQL(", ").join(typed),
        sql.SQL(" CROSS JOIN ").join(sources),
        sql.SQL(expression),
        sql.SQL("TRUE" if verdict else "FALSE"),
    )
    row = connection.execute(statement).fetchone()
    assert row
    return bool(row[0])


def test_every_check_can_refuse_and_can_accept(superuser: psycopg.Connection) -> None:
    checks = superuser.execute(CHECKS).fetchall()
    superuser.execute("SET search_path = aias, pg_catalog")
    idle = [
        (name, verdict)
        for _, name, expression, columns in checks
        for verdict in (True, False)
        if not can_be(superuser, expression, columns, verdict)
    ]
    assert idle == []
    assert len(checks) > 50

"""The reference schema that statements are judged and executed against."""

from __future__ import annotations

from pathlib import Path

import psycopg

from aias_core.database.scratch import ScratchServer
from aias_core.migrate.outline import Outline, Place
from aias_core.migrate.statements import split_statements
from aias_core.migrate.walk import follow

CORPUS = Path(__file__).parents[1] / "unit/migrate/lint/corpus"
REFERENCE = (CORPUS / "reference.sql").read_text()
ROWS = """
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 100) i;
INSERT INTO orders (user_id, ref, qty, price, status, region, note, code, due, fee, created_at)
    SELECT i, i, i, i, 'active', 'eu', 'n', 'c', i, i, now() FROM generate_series(1, 100) i;
INSERT INTO legacy SELECT generate_series(1, 100);
INSERT INTO bookings SELECT int8range(i, i + 1) FROM generate_series(1, 100) i;
INSERT INTO events SELECT i, '2026-01-02' FROM generate_series(1, 100) i;
INSERT INTO events_2026_02 SELECT i, '2026-02-02' FROM generate_series(1, 100) i;
INSERT INTO visits SELECT i, '2026-01-02' FROM generate_series(1, 100) i;
INSERT INTO visits SELECT i, '2020-01-02' FROM generate_series(1, 100) i;
INSERT INTO visits_2026_02 SELECT i, '2026-02-02' FROM generate_series(1, 100) i;
REFRESH MATERIALIZED VIEW sales_by_day;
INSERT INTO invoices SELECT i, 1, i, now() FROM generate_series(1, 100) i;
"""


def build_reference_outline(*more: str) -> Outline:
    """The outline of the reference schema, and of statements after it, as earlier files would leave it."""
    outline = Outline()
    for text in (REFERENCE, *more):
        for statement in split_statements(text, "reference.sql"):
            follow(outline, statement.node, Place("reference.sql", statement.line))
    outline.made.clear()
    return outline


def create_reference_database(server: ScratchServer) -> str:
    """The name of a database with the reference schema and rows in it."""
    name = server.create_database()
    with psycopg.connect(server.dsn(name).reveal(), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'app_reader'").fetchone() is None:
            connection.execute("CREATE ROLE app_reader")
        connection.execute(REFERENCE.encode())
        connection.execute(ROWS.encode())
    return name

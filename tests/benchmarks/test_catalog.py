"""The catalogue of a large database: its fingerprint, which gates every file, and the documents made from it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg

from aias_core.migrate.catalog.snapshot import read_catalog, read_fingerprint
from aias_core.migrate.documents import render_documents

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

RUNS = 5
# A tenant table as ours are: key, reference, checks, indexes, trigger, policy, grants, and a comment on everything.
TABLE = """
CREATE TABLE app.t{n} (
    t{n}_id uuid NOT NULL, org_id uuid NOT NULL, parent_id uuid NOT NULL, name text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    amount_pico bigint NOT NULL DEFAULT 0, labels jsonb NOT NULL DEFAULT '{{}}',
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT t{n}_pkey PRIMARY KEY (t{n}_id),
    CONSTRAINT t{n}_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES app.t{parent},
    CONSTRAINT t{n}_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT t{n}_status_check CHECK (status IN ('active', 'closed'))
);
CREATE INDEX t{n}_org_id_idx ON app.t{n} (org_id);
CREATE INDEX t{n}_parent_id_idx ON app.t{n} (parent_id);
CREATE TRIGGER t{n}_touch_tg BEFORE UPDATE ON app.t{n} FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.t{n} ENABLE ROW LEVEL SECURITY;
CREATE POLICY t{n}_tenant ON app.t{n} USING (org_id = current_setting('aias.org_id', true)::uuid);
GRANT SELECT, INSERT ON app.t{n} TO aias_identity;
COMMENT ON TABLE app.t{n} IS 'Things of kind {n}';
"""
COLUMNS = ("org_id", "parent_id", "name", "status", "amount_pico", "labels", "created_at", "updated_at", "row_version")
FIRST = """
CREATE SCHEMA app;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.updated_at := now(); RETURN NEW; END$$;
"""


def make_tables(server: PostgresServer, count: int) -> psycopg.Connection:
    connection = psycopg.connect(server.superuser(server.empty()).reveal(), autocommit=True)
    connection.execute(FIRST)
    for number in range(count):
        comments = "".join(f"COMMENT ON COLUMN app.t{number}.{name} IS 'What {name} says';" for name in COLUMNS)
        connection.execute((TABLE.format(n=number, parent=number // 3) + comments).encode())
    connection.execute("VACUUM ANALYZE")
    return connection


def median_of(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def test_the_fingerprint_of_1000_tables(figures: Figures, postgres_server: PostgresServer) -> None:
    with make_tables(postgres_server, 1000) as connection:
        assert read_fingerprint(connection) == read_catalog(connection).fingerprint
        figures.add_time(
            f"fingerprint of 1000 tables (median of {RUNS})", median_of(lambda: read_fingerprint(connection)), 1
        )


def test_the_documents_of_500_tables(figures: Figures, postgres_server: PostgresServer) -> None:
    with make_tables(postgres_server, 500) as connection:
        documents = render_documents("large", read_catalog(connection), {})
        assert all("t499" in text for text in documents.values())
        seconds = median_of(lambda: render_documents("large", read_catalog(connection), {}))
        figures.add_time(f"documents of 500 tables (median of {RUNS})", seconds, 2)

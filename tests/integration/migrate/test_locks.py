"""The table of locks beside what PostgreSQL really takes, reads and copies for each kind of statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from aias_core.database.scratch import ScratchServer, scratch_server
from aias_core.migrate.lock_modes import MODES, ROW_X, Work
from aias_core.migrate.locks import classify_statement
from aias_core.migrate.nodes import STEADY_FUNCTIONS
from aias_core.migrate.statements import split_statements
from aias_core.migrate.walk import follow
from support.reference import build_reference_outline, create_reference_database

LOCKS = """
SELECT l.relation::int, array_agg(DISTINCT l.mode)
FROM pg_locks l
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation = ANY(%s)
GROUP BY l.relation
"""
READ = "SELECT relname FROM pg_stat_xact_user_tables WHERE seq_tup_read > 0"
FILES = """
SELECT relname, CASE relkind WHEN 'S' THEN 0 ELSE pg_relation_filenode(oid) END, oid::int
FROM pg_class
WHERE relkind IN ('r', 'p', 'm', 'v', 'i', 'S') AND relnamespace = 'public'::regnamespace
"""
CHECK = "(at IS NOT NULL AND at >= '2026-02-01' AND at < '2026-03-01')"

# Statements with what must have run before them, in files of their own.
STATEMENTS: list[tuple[str, str]] = [
    ("", "CREATE INDEX ON orders (user_id)"),
    ("", "CREATE INDEX ON events (id)"),
    ("", "CREATE INDEX ON ONLY events (id)"),
    ("", "DROP INDEX orders_region_idx"),
    ("", "REINDEX INDEX orders_region_idx"),
    ("", "REINDEX TABLE orders"),
    ("", "ALTER INDEX orders_region_idx RENAME TO orders_by_region_idx"),
    ("", "ALTER TABLE orders ADD CONSTRAINT k UNIQUE (ref)"),
    ("", "ALTER TABLE orders ADD CONSTRAINT k UNIQUE USING INDEX orders_ref_uidx"),
    ("", "ALTER TABLE legacy ADD PRIMARY KEY (id)"),
    (
        "CREATE UNIQUE INDEX k ON legacy (id); ALTER TABLE legacy ADD CONSTRAINT n CHECK (id IS NOT NULL)",
        "ALTER TABLE legacy ADD CONSTRAINT k PRIMARY KEY USING INDEX k",
    ),
    ("CREATE UNIQUE INDEX k ON legacy (id)", "ALTER TABLE legacy ADD CONSTRAINT k PRIMARY KEY USING INDEX k"),
    ("", "ALTER TABLE bookings ADD CONSTRAINT e EXCLUDE USING gist (during WITH &&)"),
    ("", "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID"),
    ("", "ALTER TABLE orders ADD COLUMN owner_id bigint REFERENCES users (id)"),
    ("", "ALTER TABLE orders ADD CONSTRAINT c CHECK (qty > 0)"),
    ("", "ALTER TABLE orders ADD CONSTRAINT c CHECK (qty > 0) NOT VALID"),
    ("ALTER TABLE orders ADD CONSTRAINT c CHECK (qty > 0) NOT VALID", "ALTER TABLE orders VALIDATE CONSTRAINT c"),
    ("", "ALTER TABLE orders VALIDATE CONSTRAINT orders_region_check"),
    ("", "ALTER TABLE orders ALTER COLUMN ref SET NOT NULL"),
    ("", "ALTER TABLE orders ALTER COLUMN region SET NOT NULL"),
    ("", "ALTER TABLE orders ADD CONSTRAINT n NOT NULL ref"),
    ("", "ALTER TABLE orders ADD CONSTRAINT n NOT NULL ref NOT VALID"),
    (
        "ALTER TABLE orders ADD CONSTRAINT n NOT NULL ref NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT n",
        "ALTER TABLE orders ALTER COLUMN ref SET NOT NULL",
    ),
    ("", "ALTER TABLE orders ADD COLUMN a text"),
    ("", "ALTER TABLE orders ADD COLUMN a text NOT NULL DEFAULT 'web'"),
    ("", "ALTER TABLE orders ADD COLUMN a timestamptz NOT NULL DEFAULT now()"),
    ("", "ALTER TABLE orders ADD COLUMN a uuid DEFAULT gen_random_uuid()"),
    ("", "ALTER TABLE orders ADD COLUMN a numeric GENERATED ALWAYS AS (qty * price) STORED"),
    ("", "ALTER TABLE orders ADD COLUMN a numeric GENERATED ALWAYS AS (qty * price) VIRTUAL"),
    ("", "ALTER TABLE orders ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY"),
    ("", "ALTER TABLE orders ADD COLUMN a bigserial"),
    ("", "ALTER TABLE orders ADD COLUMN a bigint CHECK (a > 0)"),
    ("", "ALTER TABLE orders ADD COLUMN a text UNIQUE"),
    ("", "ALTER TABLE events ADD COLUMN a text"),
    ("", "ALTER TABLE ONLY orders ADD COLUMN a text"),
    ("", "ALTER TABLE orders ALTER COLUMN qty TYPE bigint"),
    ("", "ALTER TABLE orders ALTER COLUMN code TYPE varchar(40)"),
    ("", "ALTER TABLE orders ALTER COLUMN code TYPE varchar(10)"),
    ("", "ALTER TABLE orders ALTER COLUMN code TYPE varchar"),
    ("", "ALTER TABLE orders ALTER COLUMN code TYPE text"),
    ("", "ALTER TABLE orders ALTER COLUMN note TYPE varchar"),
    ("", "ALTER TABLE orders ALTER COLUMN note TYPE varchar(10)"),
    ("ALTER TABLE orders DROP CONSTRAINT orders_fee_check", "ALTER TABLE orders ALTER COLUMN fee TYPE numeric(14,2)"),
    ("ALTER TABLE orders ADD CONSTRAINT c CHECK (code <> '')", "ALTER TABLE orders ALTER COLUMN code TYPE varchar(40)"),
    ("", "ALTER TABLE orders ALTER COLUMN fee TYPE numeric(14,2)"),
    ("", "ALTER TABLE orders ALTER COLUMN fee TYPE numeric(14,3)"),
    ("", "ALTER TABLE orders ALTER COLUMN fee TYPE numeric"),
    ("", "ALTER TABLE orders ALTER COLUMN price DROP NOT NULL"),
    ("", "ALTER TABLE orders ALTER COLUMN region SET DEFAULT 'eu'"),
    ("", "ALTER TABLE orders ALTER COLUMN region DROP DEFAULT"),
    ("", "ALTER TABLE orders ALTER COLUMN region SET STATISTICS 500"),
    ("", "ALTER TABLE orders ALTER COLUMN note SET STORAGE external"),
    ("", "ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.02)"),
    ("", "ALTER TABLE orders RESET (fillfactor)"),
    ("", "ALTER TABLE orders CLUSTER ON orders_pkey"),
    ("", "ALTER TABLE orders DROP COLUMN note"),
    ("", "ALTER TABLE invoices DROP COLUMN user_id"),
    ("", "ALTER TABLE orders RENAME COLUMN ref TO reference"),
    ("", "ALTER TABLE events RENAME COLUMN id TO event_id"),
    ("", "ALTER TABLE orders RENAME TO purchases"),
    ("", "ALTER TABLE orders RENAME CONSTRAINT orders_region_check TO r"),
    ("CREATE SCHEMA archive", "ALTER TABLE orders SET SCHEMA archive"),
    ("", "ALTER TABLE invoices DROP CONSTRAINT invoices_user_id_fkey"),
    ("", "ALTER TABLE orders DROP CONSTRAINT orders_region_check"),
    ("", "ALTER TABLE orders OWNER TO app_reader"),
    ("", "ALTER TABLE orders SET UNLOGGED"),
    ("", "ALTER TABLE orders DISABLE TRIGGER ALL"),
    ("", "ALTER TABLE invoices ENABLE ALWAYS TRIGGER invoices_touch"),
    ("", "ALTER TABLE orders REPLICA IDENTITY FULL"),
    ("", "ALTER TABLE invoices DISABLE ROW LEVEL SECURITY"),
    ("", "ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY"),
    ("", "ALTER TABLE orders ADD COLUMN a text, ADD CONSTRAINT c CHECK (qty > 0)"),
    ("", "ALTER DOMAIN amount ADD CONSTRAINT a CHECK (VALUE >= 0)"),
    ("", "ALTER DOMAIN amount ADD CONSTRAINT a CHECK (VALUE >= 0) NOT VALID"),
    (
        "ALTER DOMAIN amount ADD CONSTRAINT a CHECK (VALUE >= 0) NOT VALID",
        "ALTER DOMAIN amount VALIDATE CONSTRAINT a",
    ),
    ("", "ALTER DOMAIN amount SET NOT NULL"),
    ("", "ALTER TYPE order_status RENAME VALUE 'paused' TO 'held'"),
    ("", "ALTER TYPE order_status ADD VALUE 'archived' AFTER 'paused'"),
    ("", "DROP TABLE legacy"),
    ("", "DROP TABLE invoices"),
    ("", "DROP TABLE events_2026_01"),
    ("", "DROP TABLE visits_2026_01"),
    ("", "DROP TABLE events"),
    ("", "DROP VIEW open_regions"),
    ("", "DROP MATERIALIZED VIEW sales_by_day"),
    ("", "DROP TRIGGER invoices_touch ON invoices"),
    ("", "DROP POLICY tenant ON invoices"),
    ("", "CREATE POLICY other ON invoices USING (org_id = 1)"),
    ("", "ALTER POLICY tenant ON invoices USING (org_id = 1)"),
    ("", "CREATE RULE r AS ON DELETE TO orders DO INSTEAD NOTHING"),
    ("", "TRUNCATE orders"),
    ("", "TRUNCATE users CASCADE"),
    ("", "TRUNCATE events"),
    ("", "CLUSTER orders USING orders_pkey"),
    ("", "REFRESH MATERIALIZED VIEW sales_by_day"),
    ("", "REFRESH MATERIALIZED VIEW CONCURRENTLY sales_by_day"),
    ("", "LOCK TABLE orders IN SHARE MODE"),
    ("", "LOCK TABLE orders IN ROW EXCLUSIVE MODE"),
    ("", "ANALYZE orders"),
    ("", "COMMENT ON TABLE orders IS 'x'"),
    ("", "COMMENT ON COLUMN orders.ref IS 'x'"),
    ("", "CREATE STATISTICS s ON user_id, region FROM orders"),
    ("", "CREATE TRIGGER t AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()"),
    ("", "CREATE TRIGGER t AFTER UPDATE ON events FOR EACH ROW EXECUTE FUNCTION touch()"),
    ("", "CREATE TRIGGER t AFTER UPDATE ON orders EXECUTE FUNCTION touch()"),
    ("", "ALTER SEQUENCE orders_id_seq RESTART WITH 1000"),
    ("", "GRANT SELECT ON orders TO app_reader"),
    ("", "CREATE OR REPLACE VIEW open_orders AS SELECT id, region FROM orders"),
    ("", "CREATE VIEW some_orders AS SELECT id FROM orders"),
    ("", "CREATE TABLE made AS SELECT id FROM orders"),
    ("", "CREATE TABLE made (LIKE orders)"),
    ("", "CREATE TABLE made (user_id bigint REFERENCES users (id))"),
    ("", "CREATE TABLE made (user_id bigint, FOREIGN KEY (user_id) REFERENCES users (id))"),
    ("", "CREATE TABLE made () INHERITS (orders)"),
    ("", "CREATE TABLE made PARTITION OF events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"),
    ("", "CREATE TABLE made PARTITION OF visits FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"),
    ("", "ALTER TABLE events ATTACH PARTITION events_2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')"),
    (
        f"ALTER TABLE events_2026_02 ADD CONSTRAINT b CHECK {CHECK}",
        "ALTER TABLE events ATTACH PARTITION events_2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
    ),
    ("", "ALTER TABLE visits ATTACH PARTITION visits_2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')"),
    (
        f"ALTER TABLE visits_2026_02 ADD CONSTRAINT b CHECK {CHECK};"
        f"ALTER TABLE visits_rest ADD CONSTRAINT b CHECK (NOT {CHECK})",
        "ALTER TABLE visits ATTACH PARTITION visits_2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
    ),
    ("", "ALTER TABLE events DETACH PARTITION events_2026_01"),
    ("", "ALTER TABLE visits DETACH PARTITION visits_2026_01"),
    ("", "INSERT INTO legacy VALUES (1)"),
    ("", "UPDATE orders SET region = 'eu' WHERE id = 1"),
    ("", "DELETE FROM orders WHERE id = 1"),
    ("", "MERGE INTO legacy l USING users u ON l.id = u.id WHEN MATCHED THEN DELETE"),
    ("", "DO $$ BEGIN ALTER TABLE orders ADD COLUMN a text; UPDATE legacy SET id = 1 WHERE id = 2; END $$"),
]
ALONE = [
    "CREATE INDEX CONCURRENTLY ON orders (user_id)",
    "DROP INDEX CONCURRENTLY orders_region_idx",
    "REINDEX INDEX CONCURRENTLY orders_region_idx",
    "REINDEX TABLE CONCURRENTLY orders",
    "ALTER TABLE events DETACH PARTITION events_2026_01 CONCURRENTLY",
    "VACUUM orders",
    "VACUUM FULL orders",
    "CLUSTER",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "CREATE DATABASE other",
    "DROP DATABASE other",
]


@dataclass(frozen=True)
class Measured:
    """What a statement took, read and copied of the relations that were there before it."""

    locks: dict[str, str]
    read: set[str]
    copied: set[str]


@pytest.fixture(scope="module")
def server() -> Iterator[ScratchServer]:
    with scratch_server() as running:
        yield running


@pytest.fixture(scope="module")
def template(server: ScratchServer) -> str:
    return create_reference_database(server)


@pytest.fixture
def connection(server: ScratchServer, template: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn(server.create_database(template)).reveal(), autocommit=True) as opened:
        yield opened


def classify(setup: str, text: str) -> Work:
    return classify_statement(split_statements(text, "x.sql")[0], build_reference_outline(setup))


def measure(connection: psycopg.Connection, text: str) -> Measured:
    before = {oid: (name, file) for name, file, oid in connection.execute(FILES)}
    with connection.transaction(force_rollback=True):
        connection.execute(text.encode())
        held = connection.execute(LOCKS, [list(before)]).fetchall()
        read = {name for (name,) in connection.execute(READ)}
        after = {oid: file for _, file, oid in connection.execute(FILES)}
    strongest = {before[oid][0]: max(map(name_mode, modes), key=MODES.index) for oid, modes in held}
    locks = {name: mode for name, mode in strongest.items() if MODES.index(mode) >= MODES.index(ROW_X)}
    copied = {name for oid, (name, file) in before.items() if file and oid in after and after[oid] != file}
    return Measured(locks, read, copied)


def prepare(connection: psycopg.Connection, setup: str) -> None:
    """Runs what comes before in a session of its own, for a session counts what it has read from its beginning."""
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        other.execute(setup.encode() or b"SELECT")


def name_mode(lock: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", lock.removesuffix("Lock")).upper()


@pytest.mark.parametrize(("setup", "text"), STATEMENTS, ids=[text for _, text in STATEMENTS])
def test_a_statement_takes_reads_and_copies_what_the_table_says(
    connection: psycopg.Connection, setup: str, text: str
) -> None:
    work = classify(setup, text)
    prepare(connection, setup)
    indexes = {name for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'i'")}
    measured = measure(connection, text)
    said = {lock.relation: lock for lock in work.relations}
    unsaid = indexes - said.keys()
    assert said.keys() | unsaid >= measured.locks.keys()
    assert {n: lock.mode for n, lock in said.items()} == {n: m for n, m in measured.locks.items() if n not in unsaid}
    assert {n for n, lock in said.items() if lock.rewrites} == measured.copied - unsaid
    reads = {n for n, lock in said.items() if lock.scans and not lock.rewrites}
    assert reads == {n for n in measured.read - measured.copied if n in said and said[n].mode != ROW_X}


@pytest.mark.parametrize("text", ALONE)
def test_what_cannot_run_in_a_transaction_is_known(connection: psycopg.Connection, text: str) -> None:
    assert not classify("", text).transactional
    with pytest.raises(psycopg.errors.ActiveSqlTransaction), connection.transaction():
        connection.execute(text.encode())


def test_functions_that_are_called_steady_are_not_volatile(connection: psycopg.Connection) -> None:
    volatile = "SELECT proname FROM pg_proc WHERE provolatile = 'v' AND proname = ANY(%s)"
    assert connection.execute(volatile, [sorted(STEADY_FUNCTIONS)]).fetchall() == []


def test_a_relation_of_the_same_file_blocks_nobody() -> None:
    outline = build_reference_outline()
    for statement in split_statements("CREATE TABLE a (id bigint); CREATE INDEX a_idx ON a (id); DROP TABLE a;", "x"):
        work = classify_statement(statement, outline)
        assert (work.relations, work.risk) == ((), "safe")
        follow(outline, statement.node)


@pytest.mark.parametrize("name", ['"orders"', "public.orders", "ORDERS"])
def test_a_name_is_the_same_however_it_is_written(name: str) -> None:
    assert [lock.relation for lock in classify("", f"ALTER TABLE {name} ADD COLUMN a text").relations] == ["orders"]


def test_names_in_two_schemas_are_two() -> None:
    work = classify("CREATE TABLE aias.orders (id bigint)", "LOCK TABLE aias.orders, orders")
    assert [lock.relation for lock in work.relations] == ["aias.orders", "orders"]


@pytest.mark.parametrize(
    ("text", "lock_class", "risk"),
    [
        ("ALTER TABLE orders ADD COLUMN a text", "short_lock", "locking"),
        ("ALTER TABLE orders SET (fillfactor = 90)", "short_lock", "safe"),
        ("CREATE INDEX CONCURRENTLY ON orders (qty)", "concurrent_build", "safe"),
        ("ALTER TABLE orders VALIDATE CONSTRAINT orders_fee_check", "scan", "safe"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY sales_by_day", "scan", "locking"),
        ("UPDATE orders SET qty = 1 WHERE id = 1", "batch", "safe"),
        ("DELETE FROM orders WHERE id = 1", "batch", "destructive"),
        ("ALTER TABLE orders ALTER qty TYPE bigint", "strong_scan", "locking"),
        ("ALTER TABLE orders DROP COLUMN note", "short_lock", "destructive"),
        ("DROP INDEX orders_region_idx", "short_lock", "locking"),
        ("DROP VIEW open_orders CASCADE", "short_lock", "destructive"),
        ("DO $$ BEGIN EXECUTE format('x'); END $$", "short_lock", "locking"),
        ("SELECT 1", "short_lock", "safe"),
    ],
)
def test_the_class_and_the_risk_follow_from_the_locks(text: str, lock_class: str, risk: str) -> None:
    work = classify("", text)
    assert (work.lock_class, work.risk) == (lock_class, risk)

"""What is written once: UPDATE, DELETE and TRUNCATE fail for the service, the owner and the migrator alike."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock, ids
from support.rows import insert_any_row, put

if TYPE_CHECKING:
    from support.servers import PostgresServer

TABLES = {
    "operational": {
        "model_revisions": "revision_id = revision_id",
        "model_prices": "price_id = price_id",
        "budget_versions": "version = version",
        "approval_decisions": "approver_id = approver_id",
        "audit_log": "seq = seq",
        "audit_checkpoints": "checkpoint_id = checkpoint_id",
        "erasure_tombstones": "subject_id = subject_id",
    },
    "analytics": {
        "usage_facts": "cost_pico = cost_pico + 1",
        "audit_witness": "seq = seq",
        "month_closes": "month = month",
        "statement_lines": "line_no = line_no",
        "erased_subjects": "subject_id = subject_id",
    },
}
CASES = [(database, table) for database, tables in TABLES.items() for table in tables]
ROLES = {
    "operational": ("aias_identity", "aias_router", "aias_migrator"),
    "analytics": ("aias_analytics", "aias_migrator"),
}
CHAIN = "platform"


def insert_row(connection: psycopg.Connection, table: str) -> None:
    """One row, with the triggers that would look at other tables asleep while it is written."""
    connection.execute("SET session_replication_role = replica")
    values = {
        row[0]: row[1]
        for row in connection.execute(
            "SELECT a.attname, k.v FROM pg_attribute a JOIN (VALUES ('chain', 'platform'), ('action', 'key.issue'), "
            "('actor_type', 'cli'), ('outcome', 'succeeded'), ('decision', 'approve'), ('operation', 'chat'), "
            "('subject_kind', 'user'), ('status', 'success'), ('kind', 'usage'), ('token_source', 'reported'), "
            "('route', 'primary'), ('cost_check', 'pending')) k (n, v) ON k.n = a.attname "
            "WHERE a.attrelid = format('aias.%%I', %s::text)::regclass",
            [table],
        )
    }
    numbers = dict.fromkeys(("ttft_ms", "cached_input_tokens", "reasoning_tokens", "cost_pico"), 0)
    sums = dict.fromkeys(("requests", "successes", "errors", "timeouts", "throttled", "cancelled", "rejected"), 0)
    more = {
        "http_status": 200,
        "list_price_id": None,
        "org_id": uuid.uuid4(),
        "reason": "why",
        "price_id": uuid.uuid4(),
    }
    if table == "model_prices":
        more |= {"org_id": None}
    if table == "month_closes":
        values["status"], more["month"] = "closed", "2026-10-01"
    if table == "audit_checkpoints":
        more["signature"] = b"s" * 64
    insert_any_row(connection, table, **values, **numbers, **sums, **more)
    connection.execute("RESET session_replication_role")


@pytest.mark.parametrize(("database", "table"), CASES, ids=[table for _, table in CASES])
def test_a_row_can_be_neither_changed_nor_removed(postgres_server: PostgresServer, database: str, table: str) -> None:
    name = postgres_server.clone(database)
    change = TABLES[database][table]
    with psycopg.connect(postgres_server.superuser(name).reveal(), autocommit=True) as connection:
        if database == "analytics":
            connection.execute("SELECT aias.ensure_month_partitions(now(), 1)")
        insert_row(connection, table)
    statements = (
        f"UPDATE aias.{table} SET {change}",
        f"DELETE FROM aias.{table}",
        f"TRUNCATE aias.{table} CASCADE",
    )
    for role in ROLES[database]:
        with psycopg.connect(postgres_server.dsn(name, role).reveal(), autocommit=True) as connection:
            for acting_as in ("NONE", "aias_owner") if role == "aias_migrator" else ("NONE",):
                connection.execute(f"SET ROLE {acting_as}".encode())
                for statement in statements:
                    refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityConstraintViolation)
                    with pytest.raises(refusals):
                        connection.execute(statement.encode())
    with psycopg.connect(postgres_server.superuser(name).reveal(), autocommit=True) as connection:
        for statement in statements:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                connection.execute(statement.encode())
        assert connection.execute(f"SELECT count(*) FROM aias.{table}".encode()).fetchone() == (1,)


def append(connection: psycopg.Connection, seq: int, prev: bytes, days_ago: int) -> bytes:
    digest, at = hashlib.sha256(f"{seq}".encode()).digest(), clock.now() - timedelta(days=days_ago)
    known = {"actor_type": "cli", "actor_id": "ana", "action": "key.issue", "outcome": "succeeded"}
    times = {"audit_id": ids.new_id(), "occurred_at": at, "recorded_at": at}
    put(connection, "audit_log", chain=CHAIN, seq=seq, prev_hash=prev, hash=digest, **known, **times)
    return digest


def test_a_chain_takes_only_the_next_record_and_keeps_its_head(owner: psycopg.Connection) -> None:
    first = append(owner, 1, hashlib.sha256(CHAIN.encode()).digest(), 0)
    for seq, prev in ((2, b"x" * 32), (3, first), (1, hashlib.sha256(CHAIN.encode()).digest())):
        with pytest.raises(psycopg.errors.IntegrityError):
            append(owner, seq, prev, 0)
    second = append(owner, 2, first, 0)
    assert owner.execute("SELECT seq, hash FROM aias.audit_heads").fetchall() == [(2, second)]
    for statement in ("UPDATE aias.audit_heads SET seq = 1", "DELETE FROM aias.audit_heads"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            owner.execute(statement.encode())


def test_the_anchored_purge_takes_old_records_from_the_start_only(owner: psycopg.Connection) -> None:
    previous = hashlib.sha256(CHAIN.encode()).digest()
    hashes = [previous := append(owner, seq, previous, age) for seq, age in enumerate((500, 450, 10, 420), 1)]
    purge = "SELECT aias.purge_audit_log('platform', %s, %s)"
    owner.execute("SET ROLE aias_retention")
    assert owner.execute(purge, [clock.now() + timedelta(days=5000), 1]).fetchone() == (1,)
    assert owner.execute(purge, [clock.now(), 100]).fetchone() == (1,)
    assert owner.execute(purge, [clock.now(), 100]).fetchone() == (0,)
    owner.execute("SET ROLE aias_owner")
    assert owner.execute("SELECT seq FROM aias.audit_log ORDER BY seq").fetchall() == [(3,), (4,)]
    assert owner.execute("SELECT anchor_seq, anchor_hash FROM aias.audit_heads").fetchall() == [(2, hashes[1])]
    append(owner, 5, hashes[3], 0)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute("DELETE FROM aias.audit_log WHERE seq = 4")


def test_an_erased_organization_leaves_the_facts_and_nobody_else_does(
    postgres_server: PostgresServer, analytics: str
) -> None:
    with psycopg.connect(postgres_server.superuser(analytics).reveal(), autocommit=True) as connection:
        connection.execute("SELECT aias.ensure_month_partitions(now(), 1)")
        for _ in range(2):
            insert_row(connection, "usage_facts")
        row = connection.execute("SELECT org_id FROM aias.usage_facts LIMIT 1").fetchone()
        assert row
        put(connection, "erased_subjects", subject_kind="organization", subject_id=row[0], erased_at=clock.now())
        assert connection.execute("DELETE FROM aias.usage_facts WHERE org_id = %s", row).rowcount == 1
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("DELETE FROM aias.usage_facts")


def test_the_verdict_on_a_cost_is_all_that_changes_of_a_fact(postgres_server: PostgresServer, analytics: str) -> None:
    with psycopg.connect(postgres_server.superuser(analytics).reveal(), autocommit=True) as connection:
        connection.execute("SELECT aias.ensure_month_partitions(now(), 1)")
        insert_row(connection, "usage_facts")
    with psycopg.connect(postgres_server.dsn(analytics, "aias_analytics").reveal(), autocommit=True) as connection:
        assert connection.execute("UPDATE aias.usage_facts SET cost_check = 'ok'").rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE aias.usage_facts SET cost_pico = 0")

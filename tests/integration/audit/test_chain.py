from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.audit.chain import AuditRecord, append_record, verify_chain
from aias_core.migrate.consent import Consent
from aias_core.migrate.delivery import deliver_runs, delivering
from aias_core.migrate.gates import PlanRefused
from aias_core.migrate.report import describe_chain, describe_runs
from aias_core.migrate.runner import RunOptions, migrate
from aias_core.migrate.target import Target
from aias_core.secret import Secret
from support.migrations import fetch, write_migration

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def operational_target(postgres_server: PostgresServer, operational: str) -> Target:
    return Target("operational", postgres_server.dsn(operational, "aias_migrator"))


@pytest.fixture
def chain(operational_target: Target) -> Iterator[psycopg.Connection]:
    with psycopg.connect(operational_target.dsn.reveal(), autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        yield connection


def make_record(**changes: object) -> AuditRecord:
    fields = {"audit_id": ids.new_id(), "occurred_at": clock.now(), "actor_type": "cli", "actor_id": "ada@host"}
    return AuditRecord(**{**fields, "action": "key.issue", "outcome": "succeeded", **changes})  # type: ignore[arg-type]


def tamper(postgres_server: PostgresServer, database: str, statement: str) -> None:
    with psycopg.connect(postgres_server.superuser(database).reveal(), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())


def test_a_chain_of_records_verifies_and_takes_each_record_once(chain: psycopg.Connection) -> None:
    records = [make_record(details={"n": n, "text": "é"}, reason=None if n else "first") for n in range(5)]
    assert [append_record(chain, record) for record in records] == [True] * 5
    assert append_record(chain, records[2]) is False
    assert verify_chain(chain) == (5, [])


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE aias.audit_log SET actor_id = 'eve' WHERE seq = 3", 3),
        ("UPDATE aias.audit_log SET details = '{\"n\": 9}' WHERE seq = 2", 2),
        ("DELETE FROM aias.audit_log WHERE seq = 4", 5),
        ("DELETE FROM aias.audit_log WHERE seq = 5", 5),
        ("UPDATE aias.audit_log SET hash = sha256('x') WHERE seq = 1", 1),
    ],
    ids=["actor", "details", "deleted", "cut off", "rehashed"],
)
def test_tampering_is_found_and_located(
    postgres_server: PostgresServer, operational: str, chain: psycopg.Connection, statement: str, seq: int
) -> None:
    for n in range(5):
        append_record(chain, make_record(details={"n": n}))
    tamper(postgres_server, operational, statement)
    assert verify_chain(chain)[1][0].seq == seq


def test_each_run_reaches_the_chain_once_also_a_refused_one(
    target: Target, operational_target: Target, chain: psycopg.Connection
) -> None:
    with delivering([target], operational_target, print):
        migrate(target)
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "DROP TABLE one;", "SELECT 1;")
    with pytest.raises(PlanRefused), delivering([target], operational_target, print):
        migrate(target, RunOptions(Consent(actor="ada@host"), reason="tidy"))
    assert deliver_runs(target, operational_target) == 0
    rows = chain.execute(
        "SELECT action, outcome, target_id, actor_id, reason FROM aias.audit_log ORDER BY seq"
    ).fetchall()
    assert [row[:3] for row in rows] == [
        ("db.migrate", "succeeded", "x/202610010001"),
        ("db.migrate", "failed", "x/202610010002"),
    ]
    assert rows[1][3:] == ("ada@host", "tidy")
    assert verify_chain(chain) == (2, [])


def test_while_the_chain_is_away_the_record_is_kept(target: Target, operational_target: Target) -> None:
    notes: list[str] = []
    away = Target("operational", Secret("host=127.0.0.1 port=1 user=x dbname=x"))
    with delivering([target], away, notes.append):
        migrate(target)
    assert "kept for later" in notes[0]
    assert deliver_runs(target, operational_target) == 1
    assert fetch(target.dsn, "SELECT count(*) FROM aias_migrations.runs WHERE delivered_at IS NULL") == [(0,)]


def test_every_run_is_listed_newest_first_with_whether_it_was_handed_on(
    target: Target, operational_target: Target
) -> None:
    migrate(target, to="202610010000")
    deliver_runs(target, operational_target)
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "DROP TABLE one;", "SELECT 1;")
    with pytest.raises(PlanRefused):
        migrate(target)
    runs = describe_runs([target], 10)
    assert [(run["database"], run["status"], run["audited"]) for run in runs] == [
        ("x", "failed", False),
        ("x", "succeeded", True),
    ]
    assert "drops something" in runs[0]["error"]
    assert len(describe_runs([target], 1)) == 1
    assert describe_chain(operational_target) == {"records": 1, "faults": []}

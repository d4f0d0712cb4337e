from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock, ids, windows
from aias_core.analytics.ingest.store import ensure_partitions
from aias_core.protection.policy import load_policy
from support.rows import insert_any_row, loosen

if TYPE_CHECKING:
    from support.servers import PostgresServer

TABLES = {"event_receipts", "usage_facts", "usage_hours", "usage_hour_keys", "usage_days", "usage_day_keys"}


@pytest.fixture
def superuser_store(postgres_server: PostgresServer, analytics: str) -> str:
    return postgres_server.superuser(analytics).reveal()


def test_every_table_has_its_months_three_ahead_and_the_default_stays_empty(store: psycopg.Connection) -> None:
    month = windows.month_of(clock.now())
    for _ in range(3):
        month = windows.month_of(month + timedelta(days=32))
    rows = store.execute("SELECT table_name, max(month_start) FROM aias.list_month_partitions() GROUP BY 1").fetchall()
    assert dict(rows) == dict.fromkeys(TABLES, month)
    assert store.execute("SELECT aias.count_default_rows()").fetchone() == (0,)


def test_a_fact_of_a_missing_month_is_counted_in_the_default_partition(superuser_store: str) -> None:
    with psycopg.connect(superuser_store, autocommit=True) as connection:
        loosen(connection)
        insert_any_row(connection, "usage_facts")
        assert connection.execute("SELECT aias.count_default_rows()").fetchone() == (1,)


def test_expired_months_are_listed_and_dropped_and_newer_ones_stay(superuser_store: str) -> None:
    with psycopg.connect(superuser_store, autocommit=True) as connection:
        connection.execute("SELECT aias.ensure_month_partitions(%s, 30)", [datetime(2024, 6, 1, tzinfo=UTC)])
        at = datetime(2026, 11, 25, tzinfo=UTC)
        expired = "SELECT table_name, max(month_end) FROM aias.list_expired_partitions(%s) GROUP BY 1"
        ends = {
            "event_receipts": datetime(2025, 10, 1, tzinfo=UTC),
            "usage_facts": datetime(2025, 10, 1, tzinfo=UTC),
            "usage_hours": datetime(2026, 8, 1, tzinfo=UTC),
            "usage_hour_keys": datetime(2026, 8, 1, tzinfo=UTC),
            "usage_days": datetime(2025, 10, 1, tzinfo=UTC),
            "usage_day_keys": datetime(2025, 10, 1, tzinfo=UTC),
        }
        connection.execute("SET TimeZone = 'UTC'")
        assert dict(connection.execute(expired, [at]).fetchall()) == ends
        connection.execute("SET ROLE aias_retention")
        planned = connection.execute("SELECT partition_name FROM aias.list_expired_partitions(now())").fetchall()
        drop = "SELECT aias.drop_expired_partitions(%s, %s)"
        first = connection.execute(drop, [clock.now(), 3]).fetchall()
        rest = connection.execute(drop, [clock.now() + timedelta(days=5000), 10_000]).fetchall()
        assert (len(first), first + rest) == (3, planned)
        assert connection.execute("SELECT count(*) FROM aias.list_expired_partitions(now())").fetchone() == (0,)


def test_the_drop_is_for_retention_alone(store: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        store.execute("SELECT aias.drop_expired_partitions(now(), 1)")


def test_the_lifetimes_in_the_database_are_those_of_the_policy(superuser: psycopg.Connection, database: str) -> None:
    policy = load_policy().tables(database.split("_", maxsplit=1)[0])
    kept = {name: p.retention for name, p in policy.items() if p.retention.days}
    rows = superuser.execute("SELECT table_name, clock_column, lifetime FROM aias.row_lifetimes()").fetchall()
    assert {name: (column, lifetime.days) for name, column, lifetime in rows} == {
        name: (r.clock, r.days) for name, r in kept.items() if r.purge == "delete"
    }
    if database.startswith("analytics"):
        parts = superuser.execute("SELECT table_name, lifetime FROM aias.partition_lifetimes()").fetchall()
        dropped = {name: r.days for name, r in kept.items() if r.purge == "drop_partition"}
        assert {name: lifetime.days for name, lifetime in parts} == dropped


def test_every_purge_removes_what_is_older_and_keeps_the_rest(superuser: psycopg.Connection) -> None:
    lifetimes = superuser.execute("SELECT * FROM aias.row_lifetimes()").fetchall()
    loosen(superuser)
    for table, column, lifetime in lifetimes:
        for age in (lifetime + timedelta(hours=1), lifetime - timedelta(hours=1)):
            insert_any_row(superuser, table, **{column: clock.now() - age})
    superuser.execute("SET ROLE aias_retention")
    purge = "SELECT aias.purge_expired(%s, %s, 10)"
    removed = {t: superuser.execute(purge, [t, clock.now() + timedelta(days=9000)]).fetchone() for t, *_ in lifetimes}
    assert removed == {table: (1,) for table, *_ in lifetimes}
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        superuser.execute(purge, ["organizations", clock.now()])


def test_a_hold_keeps_rows_from_the_purge(owner: psycopg.Connection, postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.superuser(owner.info.dbname).reveal(), autocommit=True) as connection:
        loosen(connection)
        insert_any_row(connection, "sessions", expires_at=clock.now() - timedelta(days=31))
        row = connection.execute("SELECT org_id FROM aias.sessions").fetchone()
        assert row
        held = {"subject_kind": "organization", "subject_id": row[0], "released_at": None}
        insert_any_row(connection, "legal_holds", **held)
        purge = "SELECT aias.purge_expired('sessions', now(), 10)"
        assert connection.execute(purge).fetchone() == (0,)
        connection.execute("UPDATE aias.legal_holds SET released_at = now()")
        assert connection.execute(purge).fetchone() == (1,)


def test_a_person_deleted_a_month_ago_loses_what_is_personal(owner: psycopg.Connection) -> None:
    for days in (31, 29):
        owner.execute(
            "INSERT INTO aias.users (user_id, display_name, status, deleted_at) VALUES (%s, 'Ana', 'suspended', %s)",
            [ids.new_id(), clock.now() - timedelta(days=days)],
        )
    owner.execute("SET ROLE aias_retention")
    assert owner.execute("SELECT aias.anonymize_users(now(), 10)").fetchone() == (1,)
    owner.execute("SET ROLE aias_owner")
    rows = owner.execute("SELECT status, display_name FROM aias.users ORDER BY deleted_at").fetchall()
    assert rows == [("erased", None), ("suspended", "Ana")]


def test_partitions_are_made_once(store: psycopg.Connection) -> None:
    assert ensure_partitions(store, clock.now()) == 0

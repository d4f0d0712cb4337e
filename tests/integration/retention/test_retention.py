"""The plan is what the run removes, row by row; what is held stays and is named."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.audit.chain import verify_chain
from aias_core.errors import InvalidInput, LockHeld, Partial
from aias_core.retention.holds import HeldByLaw, add_hold, list_holds, release_hold
from aias_core.retention.plan import RetentionPlan, build_plan, parse_as_of
from aias_core.retention.run import RetentionRun, run_retention
from aias_core.retention.stores import Databases, Stores, opened
from aias_core.windows import month_of
from support.rows import insert_any_row, put

LONG_AGO = timedelta(days=3000)
PARTITIONED = ("usage_facts", "event_receipts", "usage_hours", "usage_hour_keys", "usage_days", "usage_day_keys")
ORG = uuid.UUID("01890000-0000-7000-8000-0000000000c1")


def say_nothing(_: str) -> None:
    pass


@pytest.fixture
def databases(stores: Stores) -> Iterator[Databases]:
    with opened(stores) as found:
        yield found


@pytest.fixture
def old_rows(raw_operational: psycopg.Connection, raw_analytics: psycopg.Connection) -> dict[str, int]:
    """Of each table that is purged by age one row that has expired and one that has not; how many of each go."""
    expected: dict[str, int] = {}
    for database, connection in (("operational", raw_operational), ("analytics", raw_analytics)):
        lifetimes = connection.execute("SELECT * FROM aias.row_lifetimes()").fetchall()
        unguarded(connection)
        for table, column, lifetime in lifetimes:
            for age in (lifetime + timedelta(hours=1), lifetime - timedelta(hours=1)):
                fixed = {"month": month_of(clock.now() - age)} if table == "month_closes" else {}
                insert_any_row(connection, table, **{column: clock.now() - age}, **fixed)
            expected[f"{database}.{table}"] = 1
        guarded(connection)
    return expected


def unguarded(connection: psycopg.Connection) -> None:
    """Rows of the right type are enough: nothing else is checked until `guarded`."""
    connection.execute("SET session_replication_role = replica")
    for table, name in connection.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conparentid = 0 "
        "AND connamespace = 'aias'::regnamespace AND conislocal"
    ).fetchall():
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())


def guarded(connection: psycopg.Connection) -> None:
    connection.execute("RESET session_replication_role")


def plan_of(databases: Databases, as_of: datetime | None = None) -> RetentionPlan:
    return build_plan(databases, as_of or clock.now())


def run(stores: Stores, as_of: datetime | None = None, seconds: float = 60) -> RetentionRun:
    return run_retention(stores, as_of or clock.now(), seconds, say_nothing)


def by_table(items: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in items:  # type: ignore[attr-defined]
        found[f"{item.database}.{item.table}"] = found.get(f"{item.database}.{item.table}", 0) + item.rows
    return {table: rows for table, rows in found.items() if rows}


def add_organization(connection: psycopg.Connection, org_id: uuid.UUID = ORG) -> None:
    put(connection, "organizations", org_id=org_id, slug=f"org-{org_id.hex}", display_name="Org")


def add_old_partitions(connection: psycopg.Connection) -> None:
    """Months of two years ago, each table with a row of `ORG` in the first one."""
    start = datetime(2024, 6, 1, tzinfo=UTC)
    connection.execute("SELECT aias.ensure_month_partitions(%s, 2)", [start])
    unguarded(connection)
    for table in PARTITIONED:
        column = {"usage_facts": "occurred_at", "event_receipts": "received_at"}.get(table, "bucket_start")
        fixed = {"event_id": ids.lowest_id_at(start)} if table in PARTITIONED[:2] else {}
        insert_any_row(connection, table, org_id=ORG, **{column: start}, **fixed)
    guarded(connection)


def test_a_run_removes_exactly_what_the_plan_shows(
    stores: Stores, databases: Databases, raw_analytics: psycopg.Connection, old_rows: dict[str, int]
) -> None:
    add_old_partitions(raw_analytics)
    as_of = clock.now()
    plan = plan_of(databases, as_of)
    done = run(stores, as_of)
    assert by_table(plan.items) == by_table(done.removed)
    expected = old_rows | {f"analytics.{table}": 1 for table in PARTITIONED}
    assert by_table(done.removed) == expected
    dropped = [item for item in done.removed if item.purge == "drop_partition"]
    assert len(dropped) == 2 * len(PARTITIONED)
    assert all(item.bytes > 0 for item in dropped)
    done.check()
    assert by_table(plan_of(databases, as_of).items) == {}


def test_a_second_run_removes_nothing(stores: Stores, old_rows: dict[str, int]) -> None:
    as_of = clock.now()
    run(stores, as_of)
    assert run(stores, as_of).removed == []


def test_the_plan_of_a_later_day_shows_what_will_go_and_changes_nothing(
    databases: Databases, old_rows: dict[str, int]
) -> None:
    later = by_table(plan_of(databases, clock.now() + LONG_AGO).items)
    assert {table: later[table] for table in old_rows} == dict.fromkeys(old_rows, 2)
    assert by_table(plan_of(databases).items) == old_rows


def test_a_run_ahead_of_its_time_is_refused(stores: Stores) -> None:
    with pytest.raises(InvalidInput, match="ahead of its time"):
        run(stores, clock.now() + timedelta(hours=1))


def test_a_row_that_would_take_a_younger_one_with_it_stays(
    stores: Stores, databases: Databases, raw_operational: psycopg.Connection
) -> None:
    unguarded(raw_operational)
    window = {"budget_id": uuid.uuid4(), "window_start": clock.now() - LONG_AGO}
    for end in (LONG_AGO, LONG_AGO - timedelta(days=1)):
        insert_any_row(raw_operational, "quota_windows", **window, window_end=clock.now() - end)
        insert_any_row(raw_operational, "quota_leases", **window, expires_at=clock.now() - LONG_AGO)
        window = {"budget_id": uuid.uuid4(), "window_start": clock.now() - LONG_AGO}
    insert_any_row(raw_operational, "quota_leases", **lease_of(raw_operational), expires_at=clock.now())
    guarded(raw_operational)
    assert by_table(plan_of(databases).items) == {"operational.quota_windows": 1, "operational.quota_leases": 2}
    assert by_table(run(stores).removed) == {"operational.quota_windows": 1, "operational.quota_leases": 2}


def lease_of(connection: psycopg.Connection) -> dict[str, object]:
    row = connection.execute("SELECT budget_id, window_start FROM aias.quota_windows LIMIT 1").fetchone()
    assert row
    return dict(zip(("budget_id", "window_start"), row, strict=True))


def test_rows_that_go_with_another_are_counted(
    stores: Stores, databases: Databases, raw_analytics: psycopg.Connection
) -> None:
    unguarded(raw_analytics)
    month, version = datetime(2015, 1, 1, tzinfo=UTC), 1
    insert_any_row(raw_analytics, "month_closes", month=month, version=version, closed_at=month)
    for line in range(3):
        insert_any_row(raw_analytics, "statement_lines", month=month, version=version, line_no=line)
    guarded(raw_analytics)
    expected = {"analytics.month_closes": 1, "analytics.statement_lines": 3}
    assert by_table(plan_of(databases).items) == expected
    assert by_table(run(stores).removed) == expected


def test_what_is_held_stays_and_is_named_and_the_rest_goes(
    stores: Stores, databases: Databases, raw_operational: psycopg.Connection, raw_analytics: psycopg.Connection
) -> None:
    add_organization(raw_operational)
    add_old_partitions(raw_analytics)
    unguarded(raw_operational)
    for org_id in (ORG, uuid.uuid4()):
        insert_any_row(raw_operational, "revocations", org_id=org_id, created_at=clock.now() - LONG_AGO)
    guarded(raw_operational)
    unguarded(raw_analytics)
    for org_id in (ORG, uuid.uuid4()):
        insert_any_row(raw_analytics, "export_jobs", org_id=org_id, created_at=clock.now() - LONG_AGO)
    insert_any_row(raw_analytics, "dead_letters", payload=str(ORG).encode(), received_at=clock.now() - LONG_AGO)
    guarded(raw_analytics)
    hold = add_hold(databases.operational, "organization", ORG, "a court order")
    kept = {item.table: (item.rows, item.kept) for item in plan_of(databases).items if item.kept}
    assert kept == {
        "revocations": (1, 1),
        "export_jobs": (1, 1),
        "dead_letters": (0, 1),
        **dict.fromkeys(PARTITIONED, (0, 1)),
    }
    done = run(stores)
    with pytest.raises(HeldByLaw, match=f"'{hold.hold_id}'.*a court order"):
        done.check()
    assert by_table(done.removed) == {"operational.revocations": 1, "analytics.export_jobs": 1}
    assert raw_analytics.execute("SELECT count(*) FROM aias.usage_facts WHERE org_id = %s", [ORG]).fetchone() == (1,)
    assert hold.hold_id
    release_hold(databases.operational, hold.hold_id, "it is over")
    after = run(stores)
    after.check()
    assert by_table(after.removed) == {
        "operational.revocations": 1,
        "analytics.export_jobs": 1,
        "analytics.dead_letters": 1,
        **{f"analytics.{table}": 1 for table in PARTITIONED},
    }


def test_a_hold_that_is_placed_during_a_run_keeps_what_is_still_there(
    stores: Stores, databases: Databases, raw_operational: psycopg.Connection, raw_analytics: psycopg.Connection
) -> None:
    add_organization(raw_operational)
    add_old_partitions(raw_analytics)
    unguarded(raw_analytics)
    insert_any_row(raw_analytics, "export_jobs", org_id=ORG, created_at=clock.now() - LONG_AGO)
    guarded(raw_analytics)

    def hold(_: str) -> None:
        if not list_holds(databases.operational):
            add_hold(databases.operational, "organization", ORG, "a court order")

    done = run_retention(stores, clock.now(), 60, hold)
    assert by_table(done.removed) == {}
    for table in ("export_jobs", *PARTITIONED):
        count = raw_analytics.execute(f"SELECT count(*) FROM aias.{table} WHERE org_id = %s".encode(), [ORG]).fetchone()
        assert count == (1,), table
    with pytest.raises(HeldByLaw, match="a court order"):
        done.check()


def test_the_rows_of_a_held_person_are_known_by_their_keys(
    stores: Stores, databases: Databases, raw_operational: psycopg.Connection, raw_analytics: psycopg.Connection
) -> None:
    person, key = ids.new_id(), ids.new_id()
    add_organization(raw_operational)
    put(raw_operational, "users", user_id=person, display_name="Ana", status="active")
    unguarded(raw_operational)
    insert_any_row(raw_operational, "api_keys", api_key_id=key, user_id=person, org_id=ORG)
    guarded(raw_operational)
    add_old_partitions(raw_analytics)
    unguarded(raw_analytics)
    raw_analytics.execute("UPDATE aias.usage_facts SET api_key_id = %s, actor_id = NULL", [key])
    insert_any_row(raw_analytics, "dead_letters", payload=f"x{key}y".encode(), received_at=clock.now() - LONG_AGO)
    guarded(raw_analytics)
    add_hold(databases.operational, "user", person, "a court order")
    removed = by_table(run(stores).removed)
    assert removed.keys() == {f"analytics.{table}" for table in PARTITIONED if table != "usage_facts"}
    for table in ("usage_facts", "dead_letters"):
        assert raw_analytics.execute(f"SELECT count(*) FROM aias.{table}".encode()).fetchone() == (1,), table


def test_a_record_that_the_audit_chain_does_not_have_stays_and_stops_nothing(
    stores: Stores, raw_analytics: psycopg.Connection
) -> None:
    old = clock.now() - LONG_AGO
    known = {"actor_type": "cli", "actor_id": "ana", "actor_role": "auditor", "action": "usage.read"}
    for delivered_at in (None, old, clock.now()):
        times = {"occurred_at": old, "delivered_at": delivered_at}
        put(raw_analytics, "access_records", audit_id=ids.new_id(), outcome="allowed", **known, **times)
    done = run(stores)
    done.check()
    assert by_table(done.removed) == {"analytics.access_records": 1}


def test_a_held_person_keeps_their_name(
    stores: Stores, databases: Databases, raw_operational: psycopg.Connection
) -> None:
    people = [ids.new_id(), ids.new_id()]
    for user_id in people:
        gone = clock.now() - timedelta(days=31)
        put(raw_operational, "users", user_id=user_id, display_name="Ana", status="suspended", deleted_at=gone)
    add_hold(databases.operational, "user", people[0], "a dispute")
    done = run(stores)
    assert by_table(done.removed) == {"operational.users": 1}
    names = raw_operational.execute("SELECT user_id FROM aias.users WHERE display_name = 'Ana'").fetchall()
    assert names == [(people[0],)]
    with pytest.raises(HeldByLaw, match="a dispute"):
        done.check()


def test_when_the_time_runs_out_it_says_so_and_the_next_run_goes_on(
    stores: Stores, databases: Databases, old_rows: dict[str, int]
) -> None:
    as_of = clock.now()
    with pytest.raises(Partial):
        run(stores, as_of, seconds=0)
    left = plan_of(databases, as_of).rows
    assert left == len(old_rows) - 1
    assert sum(item.rows for item in run(stores, as_of).removed) == left


def test_records_that_are_not_sealed_elsewhere_stay(
    stores: Stores, databases: Databases, raw_operational: psycopg.Connection
) -> None:
    fill_chain(raw_operational, 5)
    assert [(i.rows, i.kept, i.kept_by) for i in plan_of(databases).items] == [(0, 5, "not sealed in object storage")]
    insert_unchecked(raw_operational, "audit_checkpoints", chain="platform", seq=3, object_key="a/b")
    assert [(i.rows, i.kept) for i in plan_of(databases).items if i.table == "audit_log"] == [(3, 2)]
    done = run(stores)
    assert by_table(done.removed) == {"operational.audit_log": 3}
    assert raw_operational.execute("SELECT min(seq) FROM aias.audit_log").fetchone() == (4,)


def fill_chain(connection: psycopg.Connection, count: int) -> None:
    previous = connection.execute("SELECT sha256('platform'::bytea)").fetchone()
    assert previous
    link, old = previous[0], clock.now() - LONG_AGO
    for seq in range(1, count + 1):
        digest = seq.to_bytes(32, "big")
        known = {"actor_type": "cli", "actor_id": "ana", "action": "key.issue", "outcome": "succeeded"}
        times = {"audit_id": ids.new_id(), "occurred_at": old, "recorded_at": old}
        put(connection, "audit_log", chain="platform", seq=seq, prev_hash=link, hash=digest, **known, **times)
        link = digest


def insert_unchecked(connection: psycopg.Connection, table: str, **fixed: object) -> None:
    unguarded(connection)
    insert_any_row(connection, table, **fixed)
    guarded(connection)


def test_every_run_is_in_the_audit_chain(stores: Stores, databases: Databases, old_rows: dict[str, int]) -> None:
    run(stores)
    with pytest.raises(Partial):
        insert_more(stores)
    rows = databases.operational.execute("SELECT action, outcome, details FROM aias.audit_log ORDER BY seq").fetchall()
    assert [(action, outcome) for action, outcome, _ in rows] == [
        ("retention.run", "succeeded"),
        ("retention.run", "failed"),
    ]
    assert rows[0][2]["removed"] == old_rows
    assert verify_chain(databases.operational) == (2, [])


def insert_more(stores: Stores) -> None:
    with psycopg.connect(stores.operational.reveal(), autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        put(connection, "login_throttles", kind="email", subject_hash=b"x", window_start=clock.now() - LONG_AGO)
    run(stores, seconds=0)


def test_two_runs_at_once_are_one_too_many(stores: Stores) -> None:
    with opened(stores, alone=True), pytest.raises(LockHeld):
        run(stores)


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "2026-10-01T12:00:00", ""])
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_as_of(text)


def test_a_day_begins_in_utc() -> None:
    assert parse_as_of("2026-10-01") == datetime(2026, 10, 1, tzinfo=UTC)

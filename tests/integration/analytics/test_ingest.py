from __future__ import annotations

import os
import signal
import uuid
from datetime import timedelta

import msgspec
import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.contracts import usage
from aias_core.contracts.usage import UsageEvent
from support.events import ORG, OTHER_ORG, make_event


def lines(*events: UsageEvent) -> list[bytes]:
    return [usage.encode(event) for event in events]


def count(store: psycopg.Connection, table: str) -> int:
    row = store.execute(f"SELECT count(*) FROM aias.{table}".encode()).fetchone()
    assert row
    return int(row[0])


def test_new_series_are_numbered_in_one_order_whatever_the_batch(store: psycopg.Connection) -> None:
    """Two workers that met the same new ones in two orders would wait for one another in a circle."""
    ingest_lines(store, lines(*(make_event(api_key_id=uuid.uuid4()) for _ in range(50))), "test")
    keys = [key for (key,) in store.execute("SELECT api_key_id FROM aias.usage_series ORDER BY series_id")]
    assert keys == sorted(keys)
    assert len(keys) == 50


def test_an_event_is_stored_once_whatever_the_batch(store: psycopg.Connection) -> None:
    event, other = make_event(), make_event()
    first = ingest_lines(store, lines(event, other, event), "test")
    second = ingest_lines(store, lines(event), "test")
    assert (first.accepted, first.duplicate, second.accepted, second.duplicate) == (2, 1, 0, 1)
    assert count(store, "usage_facts") == count(store, "event_receipts") == 2


def test_one_id_of_two_organizations_is_two_events(store: psycopg.Connection) -> None:
    event = make_event()
    twin = make_event(event_id=event.event_id, occurred_at=event.occurred_at, org_id=OTHER_ORG)
    assert ingest_lines(store, lines(event, twin), "test").accepted == 2


def test_a_copy_on_the_other_side_of_a_month_boundary_is_not_counted(store: psycopg.Connection) -> None:
    boundary = windows.month_of(clock.now())
    event = make_event(at=boundary - timedelta(milliseconds=300))
    moved = make_event(event_id=event.event_id, occurred_at=boundary, source_seq=event.source_seq)
    ingest_lines(store, lines(event), "test")
    result = ingest_lines(store, lines(moved), "test")
    assert (result.accepted, result.rejected) == (0, 1)
    assert count(store, "usage_facts") == 1


def test_a_conflicting_copy_is_kept_as_a_dead_letter(store: psycopg.Connection) -> None:
    event = make_event()
    changed = make_event(event_id=event.event_id, occurred_at=event.occurred_at, output_tokens=21)
    result = ingest_lines(store, lines(event, changed), "test")
    assert (result.accepted, result.duplicate, result.rejected) == (1, 0, 1)
    assert store.execute("SELECT reason, payload FROM aias.dead_letters").fetchall() == [
        ("conflict", usage.encode(changed))
    ]


def test_one_invalid_event_in_500_costs_only_itself(store: psycopg.Connection) -> None:
    batch = lines(*(make_event() for _ in range(499)))
    batch.insert(250, b'{"schema": "usage/1", "status": "succes"}')
    result = ingest_lines(store, batch, "test")
    assert (result.accepted, result.rejected) == (499, 1)
    [(reason, field)] = store.execute("SELECT reason, field FROM aias.dead_letters").fetchall()
    assert reason == "bad_value"
    assert field == "status"


def test_an_event_that_only_the_database_refuses_costs_only_itself(store: psycopg.Connection) -> None:
    batch = lines(*(make_event() for _ in range(20)), make_event(client="a\0b"), *(make_event() for _ in range(20)))
    result = ingest_lines(store, batch, "test")
    assert (result.accepted, result.rejected) == (40, 1)
    assert count(store, "usage_facts") == 40


def test_facts_receipts_and_dirty_hours_commit_together_or_not_at_all(store: psycopg.Connection) -> None:
    with store.transaction(force_rollback=True):
        ingest_lines(store, lines(make_event()), "test")
    assert [count(store, t) for t in ("usage_facts", "event_receipts", "dirty_hours", "ingest_batches")] == [0] * 4


def test_a_worker_killed_before_the_commit_leaves_nothing_and_the_redelivery_counts_once(
    store: psycopg.Connection,
) -> None:
    batch = lines(*(make_event() for _ in range(50)))
    dsn = store.info.dsn
    child = os.fork()
    if child == 0:
        with psycopg.connect(dsn, password=store.info.password) as connection:
            connection.execute("SELECT 1")
            with connection.transaction():
                ingest_lines(connection, batch, "test")
                os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert ingest_lines(store, batch, "test").accepted == 50
    assert count(store, "usage_facts") == 50


def test_a_late_event_is_marked_and_stored(store: psycopg.Connection) -> None:
    result = ingest_lines(store, lines(make_event(at=clock.now() - timedelta(days=3)), make_event()), "test")
    assert (result.accepted, result.late) == (2, 1)


def test_partitions_are_made_ahead_once(store: psycopg.Connection) -> None:
    assert ensure_partitions(store, clock.now()) == 0
    assert ensure_partitions(store, clock.now() + timedelta(days=31)) == 1


def test_another_tenants_facts_cannot_be_read(store: psycopg.Connection) -> None:
    ingest_lines(store, lines(make_event(), make_event(org_id=OTHER_ORG)), "test")
    store.execute("SET ROLE aias_reader")
    assert count(store, "usage_facts") == 0
    store.execute("SELECT set_config('aias.org_id', %s, false)", [str(ORG)])
    assert store.execute("SELECT DISTINCT org_id FROM aias.usage_facts").fetchall() == [(ORG,)]


@pytest.mark.parametrize("statement", ["UPDATE aias.usage_facts SET cost_pico = 0", "DELETE FROM aias.usage_facts"])
def test_a_stored_fact_cannot_be_changed_by_the_service(store: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        store.execute(statement.encode())


def test_a_line_that_is_refused_again_stays_one_letter(store: psycopg.Connection) -> None:
    for _ in range(2):
        assert ingest_lines(store, [b"[1]"], "test").rejected == 1
    assert count(store, "dead_letters") == 1


def test_money_without_usage_comes_from_its_command_only(store: psycopg.Connection) -> None:
    event = make_event()
    credit = msgspec.json.encode(
        {
            **{"schema": "usage/1", "kind": "adjustment", "event_id": event.event_id, "occurred_at": event.occurred_at},
            **{"org_id": ORG, "cost_pico": -(10**15), "reason": "a gift to myself"},
        }
    )
    assert ingest_lines(store, [credit], "test").rejected == 1
    assert store.execute("SELECT reason, field FROM aias.dead_letters").fetchall() == [("bad_value", "kind")]
    assert ingest_lines(store, [credit], "adjust", adjustments=True).accepted == 1

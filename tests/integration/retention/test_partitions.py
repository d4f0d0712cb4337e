"""Months are there before they are needed, and the default partition is empty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from aias_core import clock
from aias_core.database.connection import connect
from aias_core.errors import DifferenceFound
from aias_core.retention import partitions
from aias_core.retention.partitions import PartitionReport, ensure_partitions, read_partitions
from aias_core.retention.run import run_retention
from aias_core.retention.stores import Stores
from aias_core.windows import month_of, next_month
from support.rows import insert_any_row

TABLES = {"event_receipts", "usage_facts", "usage_hours", "usage_hour_keys", "usage_days", "usage_day_keys"}


@pytest.fixture
def raw(raw_analytics: psycopg.Connection) -> Iterator[psycopg.Connection]:
    raw_analytics.execute("SET session_replication_role = replica")
    for (name,) in raw_analytics.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'aias.usage_facts'::regclass"
    ).fetchall():
        raw_analytics.execute(f"ALTER TABLE aias.usage_facts DROP CONSTRAINT {name}".encode())
    return raw_analytics


def read(stores: Stores) -> PartitionReport:
    with connect(stores.analytics, autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        return read_partitions(connection, clock.now())


def test_an_empty_database_lacks_four_months_of_each_table_until_they_are_made(stores: Stores) -> None:
    assert {item.table for item in read(stores).missing} == TABLES
    with pytest.raises(DifferenceFound, match="has no partition for"):
        read(stores).check()
    before, after = ensure_partitions(stores.analytics)
    assert len(before.missing) == 4 * len(TABLES)
    assert [item.month for item in after.partitions if item.table == "usage_facts"] == list(months(4))
    read(stores).check()
    assert ensure_partitions(stores.analytics)[0].missing == []


def months(count: int) -> Iterator[object]:
    month = month_of(clock.now())
    for _ in range(count):
        yield month
        month = next_month(month)


def test_a_gap_is_found_and_filled(stores: Stores, raw: psycopg.Connection) -> None:
    gap = next_month(month_of(clock.now()))
    raw.execute(f"DROP TABLE aias.usage_days_{gap:%Y%m}".encode())
    assert [(item.table, item.month) for item in read(stores).missing] == [("usage_days", gap)]
    ensure_partitions(stores.analytics)
    assert read(stores).missing == []


def test_rows_whose_month_was_missing_are_moved_to_it(stores: Stores, raw: psycopg.Connection) -> None:
    at = clock.now() + timedelta(days=400)
    for when in (at, at + timedelta(days=40), clock.now()):
        insert_any_row(raw, "usage_facts", occurred_at=when)
    with pytest.raises(DifferenceFound, match="2 facts lie in the default partition"):
        read(stores).check()
    rows = raw.execute("SELECT * FROM aias.usage_facts ORDER BY event_id").fetchall()
    assert ensure_partitions(stores.analytics)[1].default_rows == 0
    assert raw.execute("SELECT * FROM aias.usage_facts ORDER BY event_id").fetchall() == rows
    assert raw.execute("SELECT count(*) FROM ONLY aias.usage_facts_default").fetchone() == (0,)
    insert_any_row(raw, "usage_facts", occurred_at=at + timedelta(days=900))
    assert read(stores).default_rows == 1


def test_whoever_uses_a_table_is_not_held_up(
    stores: Stores, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that holds the table: the drop gives up its place in the queue again and again, and goes on later."""
    raw.execute("SELECT aias.ensure_month_partitions('2024-01-01', 1)")
    waits: list[float] = []

    def release(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            raw.rollback()

    monkeypatch.setattr(partitions.time, "sleep", release)
    raw.autocommit = False
    raw.execute("SELECT count(*) FROM aias.usage_days").fetchone()
    run_retention(stores, clock.now(), 60, lambda _: None)
    assert len(waits) == 2
    assert raw.execute("SELECT to_regclass('aias.usage_days_202401') IS NULL").fetchone() == (True,)

"""Rows of both stores in one shape, and histories of usage as facts in both."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from aias_core.analytics.ingest.batch import prepare
from aias_core.analytics.ingest.store import Origin, store_batch
from aias_core.analytics.stores.clickhouse.server import ClickHouse
from support.history import Event, Line, Price, Scene, make_history, make_id, make_prices, spell
from support.oracle import KEY_KEY, LINE_KEY, Oracle, Row, Rows

NOT_COMPARED = {"bucket_start", "run_id", "attempt"}
TABLES = {"usage_hours": LINE_KEY, "usage_days": LINE_KEY, "usage_hour_keys": KEY_KEY, "usage_day_keys": KEY_KEY}
CURRENT = """SELECT t.* FROM {table:Identifier} t WHERE (bucket_start, org_id, attempt) IN (
    SELECT bucket_start, org_id, max(attempt) FROM bucket_attempts WHERE grain = {grain:String} GROUP BY 1, 2)"""


def store_histories(store: psycopg.Connection[Any], seeds: range, now: datetime) -> Oracle:
    """Stores each message of some histories once, and returns what they must have led to."""
    prices = make_prices(random.Random(0))
    _store_prices(store, prices)
    oracle = Oracle(prices)
    for seed in seeds:
        history = make_history(seed, now, prices)
        messages = [
            action.lines
            for phase in history.phases
            for worker in phase
            for action in worker
            if hasattr(action, "lines")
        ]
        for number, lines in enumerate(messages):
            _store(store, oracle, lines, now + timedelta(microseconds=number + 1))
    return oracle


def store_large_amounts(store: psycopg.Connection[Any], oracle: Oracle, now: datetime) -> None:
    """Adjustments of one hour whose sum no 64 bits and no float hold, beside requests that all took equally long."""
    generator = random.Random(1)
    scene = Scene(generator, now, list(oracle.prices))
    charge = {**scene.make_adjustment(scene.make_event()), "cost_pico": 2**53 - 1}
    made = (scene.make_event() for _ in range(100))
    request = {**next(event for event in made if event["status"] == "success"), "duration_ms": 100, "ttft_ms": 100}
    noon = (now - timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    events = [_move(generator, charge, noon) for _ in range(1100)]
    events += [_move(generator, request, noon + timedelta(hours=n % 3)) for n in range(60)]
    _store(store, oracle, [Line(spell(generator, event), event) for event in events], now)


def _move(generator: random.Random, event: Event, at: datetime) -> Event:
    return {**event, "event_id": make_id(generator, at), "occurred_at": at}


def _store(store: psycopg.Connection[Any], oracle: Oracle, lines: list[Line], received_at: datetime) -> None:
    store_batch(store, prepare([line.text for line in lines], received_at, adjustments=True), Origin("histories"))
    oracle.deliver(lines, received_at)


def _store_prices(store: psycopg.Connection[Any], prices: list[Price]) -> None:
    for price in prices:
        if price.known:
            amounts = (price.per_input, price.per_cached_input, price.per_output, price.per_request)
            store.execute(
                "INSERT INTO aias.dim_prices VALUES (%s, %s, 'chat', %s, %s, %s, %s, %s, '2026-01-01Z')",
                [price.price_id, price.model_id, price.currency, *amounts],
            )


def postgres_rows(store: psycopg.Connection[Any], table: str) -> Rows:
    with store.cursor(row_factory=dict_row) as cursor:
        return _key(cursor.execute(f"SELECT * FROM aias.{table}".encode()).fetchall(), TABLES[table])


def clickhouse_rows(server: ClickHouse, table: str) -> Rows:
    """The rows that a reader sees, without those of attempts that were superseded or died."""
    grain = "hour" if "hour" in table else "day"
    names = [row[0] for row in server.read("DESCRIBE TABLE {table:Identifier}", {"table": table})]
    rows = server.read(CURRENT, {"table": table, "grain": grain})  # type: ignore[arg-type]
    return _key([dict(zip(names, row, strict=True)) for row in rows], TABLES[table])


def _key(rows: list[Row], names: tuple[str, ...]) -> Rows:
    texts = [{name: str(v) if isinstance(v, UUID) else v for name, v in row.items()} for row in rows]
    keyed = {
        (row["bucket_start"], *(row[name] for name in names)): {
            name: value for name, value in row.items() if name not in NOT_COMPARED.union(names)
        }
        for row in texts
    }
    assert len(keyed) == len(rows), "a line stands there twice"
    return keyed

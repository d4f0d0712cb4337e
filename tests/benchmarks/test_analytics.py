"""Ingest beside what PostgreSQL does at best with the same rows, in one run."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nats
import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.ingest.drain import drain_stream
from aias_core.analytics.ingest.files import open_events
from aias_core.analytics.ingest.load import LoadOptions, load_events
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.contracts import usage
from aias_core.contracts.transport import MESSAGE_EVENTS_LIMIT, USAGE_EVENTS_SUBJECT, ensure_usage_stream
from aias_core.database.connection import Pool, connect
from aias_core.secret import Secret
from benchmarks.conftest import Spent, spend
from support.events import make_event

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

EVENTS, BATCH, LOADED = 100_000, 5_000, 100_000


@pytest.fixture
def store(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.dsn(analytics, "aias_analytics"), autocommit=True) as connection:
        ensure_partitions(connection, clock.now())
        yield connection


def test_ingest(figures: Figures, store: psycopg.Connection) -> None:
    lines = [usage.encode(make_event()) for _ in range(EVENTS)]
    pieces = [lines[first : first + BATCH] for first in range(0, EVENTS, BATCH)]
    spent = spend(store, lambda: [ingest_lines(store, piece, "bench") for piece in pieces])
    add_beside_copy(figures, "ingest, checked and deduplicated", EVENTS, spent.seconds, copy_rows(store).seconds)
    add_beside_copy(figures, "of it the work of PostgreSQL", EVENTS, spent.worked, copy_rows(store).worked)


def add_beside_copy(figures: Figures, name: str, events: int, seconds: float, floor: float) -> None:
    measured, copied = f"{events / seconds:,.0f} events/s", f"COPY {events / floor:,.0f} rows/s"
    figures.add_ratio(name, measured, copied, floor / seconds)


def copy_rows(store: psycopg.Connection) -> Spent:
    with store.cursor().copy("COPY (SELECT * FROM aias.usage_facts) TO STDOUT") as out:
        rows = b"".join(out)
    store.execute("CREATE TEMP TABLE IF NOT EXISTS floor (LIKE aias.usage_facts)")
    store.execute("TRUNCATE floor")

    def write() -> None:
        with store.cursor().copy("COPY floor FROM STDIN") as copy:
            copy.write(rows)

    return spend(store, write)


def test_load(figures: Figures, store: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(usage.encode(make_event()) for _ in range(LOADED)))
    started = time.perf_counter()
    with open_events(str(path), io.BytesIO()) as file:
        report = load_events(store, file, LoadOptions())
    seconds = time.perf_counter() - started
    assert report.result.accepted == LOADED
    add_beside_copy(
        figures, "load of a file, checked while PostgreSQL stores", LOADED, seconds, copy_rows(store).seconds
    )


def test_stream(figures: Figures, store: psycopg.Connection, postgres_server: PostgresServer, nats_url: Secret) -> None:
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")
    seconds = asyncio.run(drain_a_full_stream(nats_url, dsn))
    add_beside_copy(figures, "JetStream to facts, two workers", LOADED, seconds, copy_rows(store).seconds)


async def drain_a_full_stream(nats_url: Secret, dsn: Secret) -> float:
    """Seconds until every message of a stream is stored."""
    client = await nats.connect(nats_url.reveal())
    await ensure_usage_stream(client.jetstream())
    for _ in range(LOADED // MESSAGE_EVENTS_LIMIT):
        lines = b"\n".join(usage.encode(make_event()) for _ in range(MESSAGE_EVENTS_LIMIT))
        await client.jetstream().publish(USAGE_EVENTS_SUBJECT, lines)
    pool = Pool(dsn, "analytics", "bench")
    started = time.perf_counter()
    state = await drain_stream(client, pool, 300)
    seconds = time.perf_counter() - started
    assert state.accepted == LOADED
    pool.close()
    await client.close()
    return seconds

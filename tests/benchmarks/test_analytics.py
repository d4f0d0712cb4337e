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
from support.events import make_event

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

EVENTS, BATCH, LOADED = 20_000, 5_000, 100_000


@pytest.fixture
def store(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.dsn(analytics, "aias_analytics"), autocommit=True) as connection:
        ensure_partitions(connection, clock.now())
        yield connection


def test_ingest(figures: Figures, store: psycopg.Connection) -> None:
    lines = [usage.encode(make_event()) for _ in range(EVENTS)]
    started = time.perf_counter()
    for first in range(0, EVENTS, BATCH):
        ingest_lines(store, lines[first : first + BATCH], "bench")
    ingest = EVENTS / (time.perf_counter() - started)
    floor = EVENTS / copy_rows(store)
    figures.add_ratio(
        "ingest, checked and deduplicated", f"{ingest:,.0f} events/s", f"COPY {floor:,.0f} rows/s", ingest / floor
    )


def copy_rows(store: psycopg.Connection) -> float:
    with store.cursor().copy("COPY (SELECT * FROM aias.usage_facts) TO STDOUT") as out:
        rows = b"".join(out)
    store.execute("CREATE TEMP TABLE floor (LIKE aias.usage_facts)")
    started = time.perf_counter()
    with store.cursor().copy("COPY floor FROM STDIN") as copy:
        copy.write(rows)
    return time.perf_counter() - started


def test_load(figures: Figures, store: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(usage.encode(make_event()) for _ in range(LOADED)))
    started = time.perf_counter()
    with open_events(str(path), io.BytesIO()) as file:
        report = load_events(store, file, LoadOptions())
    rate = LOADED / (time.perf_counter() - started)
    assert report.result.accepted == LOADED
    floor = LOADED / copy_rows(store)
    figures.add_ratio("load of a file", f"{rate:,.0f} events/s", f"COPY {floor:,.0f} rows/s", rate / floor)


def test_stream(figures: Figures, store: psycopg.Connection, postgres_server: PostgresServer, nats_url: Secret) -> None:
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")
    rate = LOADED / asyncio.run(drain_a_full_stream(nats_url, dsn))
    floor = LOADED / copy_rows(store)
    figures.add_ratio("JetStream to facts", f"{rate:,.0f} events/s", f"COPY {floor:,.0f} rows/s", rate / floor)


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

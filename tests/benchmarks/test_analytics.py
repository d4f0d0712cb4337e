"""Ingest beside what PostgreSQL does at best with the same rows, in one run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.contracts import usage
from aias_core.database.connection import connect
from support.events import make_event

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

EVENTS, BATCH = 20_000, 5_000


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

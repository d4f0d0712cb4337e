from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nats
import psycopg
import pytest

from aias_core.analytics.ingest import consumer
from aias_core.analytics.ingest.consumer import PipelineState, run_ingest, run_rollups
from aias_core.contracts import usage
from aias_core.contracts.transport import USAGE_EVENTS_SUBJECT
from aias_core.database.connection import Pool
from aias_core.secret import Secret
from support.events import make_event

if TYPE_CHECKING:
    from support.servers import PostgresServer

EVENTS = 30


def test_an_idle_stream_is_not_an_outage(
    store: psycopg.Connection, postgres_server: PostgresServer, nats_url: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "FETCH_SECONDS", 0.002)
    pool = Pool(postgres_server.dsn(store.info.dbname, "aias_analytics"), "analytics", "test")
    told: list[tuple[str, dict[str, Any]]] = []
    try:
        asyncio.run(
            ingest_one_by_one(nats_url.reveal(), pool, PipelineState(observers=[lambda *what: told.append(what)]))
        )
    finally:
        pool.close()
    assert told == []


async def ingest_one_by_one(nats_url: str, pool: Pool, state: PipelineState) -> None:
    client, stop = await nats.connect(nats_url), asyncio.Event()
    worker = asyncio.create_task(run_ingest(client, pool, state, stop))
    while state.pending_messages is None:
        await asyncio.sleep(0)
    for number in range(1, EVENTS + 1):
        await client.jetstream().publish(USAGE_EVENTS_SUBJECT, usage.encode(make_event()))
        while state.accepted + state.duplicate < number:
            await asyncio.sleep(0.01)
    stop.set()
    await worker
    await client.close()


def test_an_outage_of_the_rollup_is_over_when_the_database_is_back(
    postgres_server: PostgresServer, analytics: str
) -> None:
    name = f"{analytics}_back"
    pool = Pool(postgres_server.dsn(name, "aias_analytics"), "analytics", "test")
    errors = []

    async def watch() -> None:
        state, stop = PipelineState(), asyncio.Event()
        worker = asyncio.create_task(run_rollups(pool, 0.01, state, stop))
        while state.rollup_error is None:
            await asyncio.sleep(0.01)
        errors.append(state.rollup_error)
        postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {analytics} OWNER aias_owner")
        while state.rollup_error is not None:
            await asyncio.sleep(0.01)
        stop.set()
        await worker

    try:
        asyncio.run(asyncio.wait_for(watch(), 30))
    finally:
        pool.close()
    assert errors == ["DependencyUnreachable"]

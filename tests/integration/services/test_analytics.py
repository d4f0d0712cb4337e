from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import nats
import psycopg
import pytest

from aias_core.contracts import usage
from aias_core.contracts.transport import USAGE_EVENTS_SUBJECT, ensure_usage_stream
from aias_core.contracts.usage import UsageEvent
from aias_core.secret import Secret
from support import servers
from support.events import make_event
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer

Start = Callable[[], object]


@pytest.fixture
def variables(postgres_server: PostgresServer, nats_url: Secret, analytics: str) -> dict[str, str]:
    return {
        "AIAS_ANALYTICS_DSN": postgres_server.dsn(analytics, "aias_analytics").reveal(),
        "AIAS_NATS_URL": nats_url.reveal(),
        "AIAS_ANALYTICS_ROLLUP_SECONDS": "0.1",
    }


@pytest.fixture
def store(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_server.superuser(analytics).reveal(), autocommit=True) as connection:
        yield connection


def publish(url: Secret, events: list[UsageEvent]) -> None:
    async def send() -> None:
        client = await nats.connect(url.reveal())
        await ensure_usage_stream(client.jetstream())
        for event in events:
            await client.jetstream().publish(USAGE_EVENTS_SUBJECT, usage.encode(event))
        await client.close()

    asyncio.run(send())


def read(store: psycopg.Connection, query: str) -> int:
    row = store.execute(query.encode()).fetchone()
    assert row
    return int(row[0] or 0)


def test_events_become_facts_and_rollups_and_a_restart_goes_on(
    variables: dict[str, str], store: psycopg.Connection, nats_url: Secret, tmp_path: Path
) -> None:
    first, second = [make_event() for _ in range(40)], [make_event() for _ in range(40)]
    publish(nats_url, first)
    with servers.service("analytics", tmp_path, variables) as running:
        wait_until(lambda: read(store, "SELECT count(*) FROM aias.usage_facts") == 40)
        wait_until(lambda: read(store, "SELECT sum(requests) FROM aias.usage_days") == 40)
        wait_until(lambda: httpx.get(f"{running.ops_url}/readyz").json()["status"] == "ok")
        running.process.send_signal(signal.SIGKILL)
    publish(nats_url, second + first)
    with servers.service("analytics", tmp_path, variables) as running:
        wait_until(lambda: read(store, "SELECT sum(requests) FROM aias.usage_days") == 80)
        running.process.terminate()
        assert running.process.wait(20) == 0
    assert read(store, "SELECT count(*) FROM aias.usage_facts") == 80
    assert read(store, "SELECT sum(duplicate) FROM aias.ingest_batches") <= 80


def test_the_contract_is_published(variables: dict[str, str], tmp_path: Path) -> None:
    with servers.service("analytics", tmp_path, variables) as running:
        schema = httpx.get(f"{running.url}/analytics/v1/schemas/usage-event/1").json()
    assert schema == usage.json_schema()

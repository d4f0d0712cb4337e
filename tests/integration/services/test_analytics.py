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
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from aias_core import clock
from aias_core.contracts import sources, usage
from aias_core.contracts.sources import Heartbeat
from aias_core.contracts.transport import HEARTBEAT_SUBJECT, USAGE_EVENTS_SUBJECT, ensure_usage_stream
from aias_core.contracts.usage import UsageEvent
from aias_core.secret import Secret
from support import servers
from support.access import ACCESS_VARIABLES
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
        **ACCESS_VARIABLES,
    }


@pytest.fixture
def store(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_server.superuser(analytics).reveal(), autocommit=True) as connection:
        yield connection


def publish(url: Secret, events: list[UsageEvent]) -> None:
    publish_on(url, USAGE_EVENTS_SUBJECT, [usage.encode(event) for event in events])


def publish_on(url: Secret, subject: str, payloads: list[bytes]) -> None:
    async def send() -> None:
        client = await nats.connect(url.reveal())
        await ensure_usage_stream(client.jetstream())
        for payload in payloads:
            await client.jetstream().publish(subject, payload)
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


METRICS = {
    *("events_total", "batch_seconds", "ingest_lag_seconds", "stream_pending_messages", "silent_sources"),
    *("source_gap_events", "unresolved_duplicates", "dead_letters_open", "cost_checks_total"),
    *("dirty_buckets", "rollup_seconds", "rollup_last_success_timestamp_seconds", "rollup_rows_total"),
    *("freshness_lag_seconds", "freshness_tenants", "reconcile_delta", "reconcile_last_success_timestamp_seconds"),
    *("export_jobs", "export_seconds", "export_oldest_pending_seconds", "query_seconds"),
    *(
        "partition_ahead_seconds",
        "default_partition_rows",
        "unclosed_months",
    ),
}


def read_metrics(running: servers.RunningService) -> dict[str, list[Sample]]:
    """The samples of every exported metric by its name in requirements, without the prefix."""
    families = text_string_to_metric_families(httpx.get(f"{running.ops_url}/metrics").text)
    found = {f.name + "_total" * (f.type == "counter"): list(f.samples) for f in families}
    return {name.removeprefix("aias_analytics_"): samples for name, samples in found.items()}


def test_each_metric_is_exported_and_tells_what_is_there(
    variables: dict[str, str], store: psycopg.Connection, nats_url: Secret, tmp_path: Path
) -> None:
    publish(nats_url, [make_event() for _ in range(5)])
    beat = Heartbeat(source="router-9", at=clock.now(), highest_seq=5, published_seq=5)
    publish_on(nats_url, HEARTBEAT_SUBJECT, [sources.encode(beat)])
    with servers.service("analytics", tmp_path, variables) as running:

        def value(name: str) -> float | None:
            return next((sample.value for sample in read_metrics(running).get(name, [])), None)

        wait_until(lambda: set(read_metrics(running)) >= METRICS)
        wait_until(lambda: value("freshness_lag_seconds") is not None, 30)
        wait_until(lambda: (value("reconcile_last_success_timestamp_seconds") or 0) > beat.at.timestamp() - 60, 30)
        assert value("silent_sources") == 0
        assert (value("partition_ahead_seconds") or 0) > 86_400
    assert read(store, "SELECT count(*) FROM aias.reconcile_runs WHERE trigger IN ('hourly', 'daily')") == 2


def test_the_contract_is_published(variables: dict[str, str], tmp_path: Path) -> None:
    with servers.service("analytics", tmp_path, variables) as running:
        schema = httpx.get(f"{running.url}/analytics/v1/schemas/usage-event/1").json()
    assert schema == usage.json_schema()

"""The wiring of analytics: the ingest and rollup workers, their probes, and the published contract."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import nats
import structlog

from aias_core.analytics.ingest.consumer import PipelineState, run_ingest, run_rollups, run_sync
from aias_core.analytics.rollup.run import count_dirty_buckets
from aias_core.database.connection import Pool
from aias_core.errors import DependencyUnreachable
from aias_core.management import ManagementClient
from aias_core.service_settings import AnalyticsSettings
from aias_services.analytics.api import add_api
from aias_services.analytics.delivery import deliver_records
from aias_services.analytics.exports import add_exports
from aias_services.analytics.watch import add_watch
from aias_services.kit.service import Service, create_app, create_service


def build(settings: AnalyticsSettings) -> Service:
    """The service over one database and one NATS server."""
    largest = 4 + settings.analytics_ingest_workers
    pool = Pool(settings.analytics_dsn, "database 'analytics'", "aias-analytics", largest=largest)
    log, state = structlog.get_logger(), PipelineState()
    state.observers.append(lambda event, facts: log.warning(event, **facts))
    app = create_app("analytics")

    add_api(app, settings)

    async def ingest(stop: asyncio.Event) -> None:
        client = await _connect(settings, stop)
        if client is not None:
            await run_ingest(client, pool, state, stop, settings.analytics_ingest_workers)
            await client.close()

    async def rollup(stop: asyncio.Event) -> None:
        await run_rollups(pool, settings.analytics_rollup_seconds, state, stop)

    async def deliver(stop: asyncio.Event) -> None:
        identity = ManagementClient("identity", settings.identity_url, settings.service_key)
        await deliver_records(pool, identity, stop)

    async def sync(stop: asyncio.Event) -> None:
        if settings.operational_dsn is not None:
            operational = Pool(settings.operational_dsn, "database 'operational'", "aias-analytics", largest=1)
            await run_sync(operational, pool, state, stop)
            operational.close()

    service = create_service("analytics", app, [ingest, rollup, deliver, sync])
    _add_probes(service, pool, state)
    add_watch(service, settings, state, lambda stop: _connect(settings, stop))
    add_exports(service, settings)
    return service


async def _connect(settings: AnalyticsSettings, stop: asyncio.Event) -> Any:
    while not stop.is_set():
        try:
            return await nats.connect(
                settings.nats_url.reveal(), name="aias-analytics", max_reconnect_attempts=-1, reconnect_time_wait=0.25
            )
        except Exception as error:
            structlog.get_logger().warning("nats_unreachable", error=type(error).__name__)
            await asyncio.sleep(0.5)
    return None


def _add_probes(service: Service, pool: Pool, state: PipelineState) -> None:
    async def probe_database() -> Mapping[str, Any]:
        return {"dirty_buckets": await asyncio.to_thread(_count_dirty, pool)}

    async def probe_ingest() -> Mapping[str, Any]:
        if state.ingest_error is not None:
            raise DependencyUnreachable(state.ingest_error)
        return {"pending_messages": state.pending_messages, "accepted": state.accepted}

    async def probe_rollup() -> Mapping[str, Any]:
        if state.rollup_error is not None:
            raise DependencyUnreachable(state.rollup_error)
        return {"hours_recomputed": state.rollups}

    service.health.add("postgres", probe_database)
    service.health.add("ingest", probe_ingest, critical=False)
    service.health.add("rollup", probe_rollup, critical=False)


def _count_dirty(pool: Pool) -> int:
    with pool.connection() as connection:
        return count_dirty_buckets(connection)

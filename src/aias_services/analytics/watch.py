"""Keeps an eye on the pipeline: listens to sources, reads the figures, reconciles by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from aias_core import clock
from aias_core.analytics.ingest.consumer import PipelineState
from aias_core.analytics.reconcile.schedule import run_due
from aias_core.analytics.sources.consumer import run_sources
from aias_core.analytics.status.figures import Figures, read_figures
from aias_core.database.connection import Pool
from aias_core.errors import AiasError
from aias_core.service_settings import AnalyticsSettings
from aias_services.analytics.metrics import PipelineMetrics
from aias_services.kit.service import Service

if TYPE_CHECKING:
    from psycopg import Connection

FIGURES_SECONDS, SCHEDULE_SECONDS = 10.0, 60.0
Connect = Callable[[asyncio.Event], Awaitable[Any]]


class Reconciler:
    """Runs what is due; can be told to let go in the middle, because a month takes longer than a stop may."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection | None = None

    def run(self) -> None:
        with self._pool.connection() as self._connection:
            try:
                for result in run_due(self._connection, clock.now()):
                    if result.differences:
                        found = {"run_id": str(result.run_id), "differences": result.differences}
                        structlog.get_logger().error("accounts_differ", **found)
            finally:
                self._connection = None

    async def cancel_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        if self._connection is not None:
            self._connection.cancel()


def add_watch(service: Service, settings: AnalyticsSettings, state: PipelineState, connect: Connect) -> None:
    """Adds the background work and the metrics to the service. `connect` gives a client of NATS, or None at the end."""
    pool = Pool(settings.analytics_dsn, "database 'analytics'", "aias-analytics-watch", largest=3)
    log, metrics, reconciler = structlog.get_logger(), PipelineMetrics(state), Reconciler(pool)

    async def listen(stop: asyncio.Event) -> None:
        client = await connect(stop)
        if client is not None:
            await run_sources(client, pool, log.warning, stop)
            await client.close()

    async def measure(stop: asyncio.Event) -> None:
        since = clock.now()
        while not stop.is_set():
            with suppress(AiasError):  # while the database is away the figures stay as they were, and their age shows
                figures = await asyncio.to_thread(_read, pool, since)
                metrics.update(figures)
                since = figures.status.at
            await _sleep(stop, FIGURES_SECONDS)

    async def reconcile(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await asyncio.to_thread(reconciler.run)
            except AiasError as error:
                log.warning("reconciliation_interrupted", error=type(error).__name__)
            await _sleep(stop, SCHEDULE_SECONDS)

    service.background = [*service.background, listen, measure, reconcile, reconciler.cancel_at]


def _read(pool: Pool, since: datetime) -> Figures:
    with pool.connection() as connection:
        return read_figures(connection, since)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)

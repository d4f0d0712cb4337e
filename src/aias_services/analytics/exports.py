"""Export jobs as one part of the service: workers that make the files, and a sweep of what is left behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from threading import Event
from typing import Any

import psycopg
import structlog

from aias_core.database.connection import Pool
from aias_core.errors import AiasError
from aias_core.finance.export.request import Issuer
from aias_core.finance.jobs.store import CHANNEL
from aias_core.finance.jobs.sweep import sweep
from aias_core.finance.jobs.worker import Worker
from aias_core.finance.storage import find_object_store, list_buckets
from aias_core.secret import Secret
from aias_core.service_settings import AnalyticsSettings
from aias_services.analytics.routes.exports import Storage
from aias_services.kit.service import Service

WORKERS = 2
WAKE_SECONDS, SWEEP_SECONDS, PAUSE_SECONDS = 30.0, 3600.0, 1.0


def add_exports(service: Service, settings: AnalyticsSettings) -> None:
    """Tells the routes where files go and adds the workers; without object storage there are none."""
    storage = find_storage(settings)
    service.app.state.export_storage = storage
    if storage is None:
        return
    pool = Pool(settings.analytics_dsn, "database 'analytics'", "aias-analytics-exports", largest=2 * WORKERS + 1)
    stopping, wake = Event(), asyncio.Event()
    host, encryption = f"{socket.gethostname()}-{settings.http_ops_port}", storage.objects.encryption
    workers = [
        Worker(pool.connection, storage.client, f"{host}-{number}", encryption, stopping=stopping)
        for number in range(WORKERS)
    ]
    service.background = [
        *service.background,
        *(partial(_work, worker, wake) for worker in workers),
        partial(_listen, settings.analytics_dsn, wake),
        partial(_sweep, pool, storage),
        partial(_tell, stopping, wake),
    ]


def find_storage(settings: AnalyticsSettings) -> Storage | None:
    """Where the settings say that files go; None where they name no server or no bucket."""
    objects, buckets = find_object_store(settings), list_buckets(settings)
    if objects is None or not buckets:
        return None
    issuer = Issuer(settings.finance_issuer, settings.finance_service)
    return Storage(objects, objects.client(), buckets, issuer)


async def _work(worker: Worker, wake: asyncio.Event, stop: asyncio.Event) -> None:
    while not stop.is_set():
        wake.clear()
        job = await _try("export_worker_interrupted", worker.run_next)
        if job is None:
            await _wait(wake, WAKE_SECONDS)
        elif job.status == "failed":
            structlog.get_logger().error("export_failed", job_id=str(job.job_id), code=job.row["error_code"])


async def _listen(dsn: Secret, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """Wakes the workers when a job is made; a lost connection is made anew."""
    while not stop.is_set():
        with suppress(psycopg.Error):
            async with _listening(dsn) as connection:
                while not stop.is_set():
                    async for _ in connection.notifies(timeout=PAUSE_SECONDS, stop_after=1):
                        wake.set()
        await _wait(stop, PAUSE_SECONDS)


@asynccontextmanager
async def _listening(dsn: Secret) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(dsn.reveal(), autocommit=True, connect_timeout=5) as connection:
        await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(CHANNEL)))
        yield connection


async def _sweep(pool: Pool, storage: Storage, stop: asyncio.Event) -> None:
    def sweep_all() -> None:
        with pool.connection() as connection:
            if unswept := sweep(connection, storage.client, *storage.buckets).unswept:
                structlog.get_logger().warning("export_buckets_unswept", buckets=unswept)

    while not stop.is_set():
        await _try("export_sweep_interrupted", sweep_all)
        await _wait(stop, SWEEP_SECONDS)


async def _tell(stopping: Event, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """At the end, workers hand back what they have and nobody waits."""
    await stop.wait()
    stopping.set()
    wake.set()


async def _try(event: str, act: Callable[[], Any]) -> Any:
    try:
        return await asyncio.to_thread(act)
    except AiasError as error:
        structlog.get_logger().warning(event, error=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)
        return None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)

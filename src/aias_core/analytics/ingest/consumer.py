"""From JetStream into facts: fetch, store in one transaction, acknowledge after the commit. And the rollup beside it.

Each worker fetches only when its batch is stored, so memory is bounded by the batches of the workers. While PostgreSQL
is away nothing is acknowledged; the stream keeps the messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.analytics.dimensions import sync_dimensions
from aias_core.analytics.ingest.store import IngestResult, Origin, ensure_partitions, ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts.transport import (
    ACK_WAIT_SECONDS,
    INGEST_CONSUMER,
    USAGE_EVENTS_SUBJECT,
    ensure_usage_stream,
)
from aias_core.database.connection import Pool
from aias_core.errors import AiasError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

FETCH_MESSAGES = 20
FETCH_SECONDS = 1.0
ACKNOWLEDGE_SECONDS = 1.0
RETRY_SECONDS = 0.5
SYNC_SECONDS = 5.0
LATE_EVENTS_GATHER = timedelta(minutes=15)
AT_WORK_SECONDS = ACK_WAIT_SECONDS / 3
Observer = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True)
class PipelineState:
    """What the pipeline last did, for probes and metrics. An error stays until its own worker succeeds again."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    late: int = 0
    erased: int = 0
    pending_messages: int | None = None
    rollups: int = 0
    ingest_error: str | None = None
    rollup_error: str | None = None
    observers: list[Observer] = field(default_factory=list)

    def add(self, result: IngestResult) -> None:
        for name, count in asdict(result).items():
            setattr(self, name, getattr(self, name) + count)

    def tell(self, event: str, **facts: Any) -> None:
        for observer in self.observers:
            observer(event, facts)


async def run_ingest(nats: Client, pool: Pool, state: PipelineState, stop: asyncio.Event, workers: int = 1) -> None:
    """Consumes usage events until told to stop, by so many workers; outages of NATS or PostgreSQL are waited out.

    Batches may commit out of their order: what is acknowledged up to where is the stream's to know.
    """
    await asyncio.gather(*(_work(nats.jetstream(), pool, state, stop) for _ in range(workers)))


async def _work(js: JetStreamContext, pool: Pool, state: PipelineState, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await _consume(js, pool, state, stop)
        except Exception as error:  # whatever the outage is, the messages are still in the stream
            state.ingest_error = type(error).__name__
            state.tell("ingest_interrupted", error=type(error).__name__)
            await _sleep(stop, RETRY_SECONDS)


async def run_rollups(pool: Pool, every_seconds: float, state: PipelineState, stop: asyncio.Event) -> None:
    """Works off dirty buckets in a steady rhythm until told to stop."""
    while not stop.is_set():
        try:
            state.rollups += await asyncio.to_thread(_rollup_once, pool)
            state.rollup_error = None
        except AiasError as error:
            state.rollup_error = type(error).__name__
            state.tell("rollup_interrupted", error=error.message)
        await _sleep(stop, every_seconds)


async def run_sync(operational: Pool, analytics: Pool, state: PipelineState, stop: asyncio.Event) -> None:
    """Copies names, keys and prices in a steady rhythm until told to stop; outages are waited out."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(_sync_once, operational, analytics)
        except AiasError as error:
            state.tell("sync_interrupted", error=error.message)
        await _sleep(stop, SYNC_SECONDS)


async def _consume(js: JetStreamContext, pool: Pool, state: PipelineState, stop: asyncio.Event) -> None:
    await ensure_usage_stream(js)
    subscription = await js.pull_subscribe(USAGE_EVENTS_SUBJECT, durable=INGEST_CONSUMER)
    state.ingest_error = None
    while not stop.is_set():
        if messages := await _fetch(subscription):
            state.add(await _store_at_work(pool, messages))
            await asyncio.gather(*(message.ack_sync(timeout=ACKNOWLEDGE_SECONDS) for message in messages))
        state.pending_messages = (await subscription.consumer_info()).num_pending


async def _fetch(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await subscription.fetch(FETCH_MESSAGES, timeout=FETCH_SECONDS)
    except TimeoutError:  # nothing came; the client raises its own or asyncio's, by where its wait ended
        return []


async def _store_at_work(pool: Pool, messages: list[Msg]) -> IngestResult:
    """Stores a batch; the server hears meanwhile that it is at work, or that it may send the messages again."""
    storing = asyncio.create_task(asyncio.to_thread(_store, pool, messages))
    try:
        while not (await asyncio.wait({storing}, timeout=AT_WORK_SECONDS))[0]:
            for message in messages:
                await message.in_progress()
        return storing.result()
    except Exception:
        for message in messages:
            await message.nak()
        raise


def _store(pool: Pool, messages: list[Msg]) -> IngestResult:
    lines = [line for message in messages for line in message.data.split(b"\n")]
    places = [message.metadata.sequence.stream for message in messages]
    with pool.connection() as connection:
        ensure_partitions(connection, clock.now())
        return ingest_lines(connection, lines, Origin("jetstream", min(places), max(places)))


def _sync_once(operational: Pool, analytics: Pool) -> None:
    with operational.connection() as source, analytics.connection() as target:
        sync_dimensions(source, target)


def _rollup_once(pool: Pool) -> int:
    with pool.connection() as connection:
        return run_rollup(connection, trigger="loop", patience=LATE_EVENTS_GATHER).hours


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)

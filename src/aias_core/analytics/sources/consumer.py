"""Heartbeats and control totals from JetStream into the database, and the ingest watermarks that follow from them.

A heartbeat speaks of what was published before it, so it counts once ingest has acknowledged every message before it
in the stream. Until then it waits in memory; a restart forgets it, and the next one comes within seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.analytics.sources.store import settle, store_messages
from aias_core.contracts import sources
from aias_core.contracts.sources import ControlTotals, Heartbeat
from aias_core.contracts.transport import INGEST_CONSUMER, SOURCES_CONSUMER, USAGE_STREAM, ensure_usage_stream
from aias_core.contracts.usage import FUTURE_LIMIT
from aias_core.database.connection import Pool

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

FETCH_MESSAGES = 100
FETCH_SECONDS = 1.0
RETRY_SECONDS = 0.5
WAITING_LIMIT = 10_000
Tell = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Floor:
    """How far ingest has acknowledged: every message up to `seq`, and all there were at `drained_at`, if any moment."""

    seq: int
    drained_at: datetime | None

    def covers(self, seq: int) -> bool:
        return self.drained_at is not None or seq <= self.seq


@dataclass(slots=True)
class Waiting:
    """Heartbeats in the order of the stream that are stored but not reached yet."""

    _heard: deque[tuple[int, Heartbeat]] = field(default_factory=lambda: deque(maxlen=WAITING_LIMIT))

    def add(self, seq: int, heartbeat: Heartbeat) -> None:
        self._heard.append((seq, heartbeat))

    def take_reached(self, floor: Floor) -> list[Heartbeat]:
        """The newest reached heartbeat of each source; those before it are forgotten with it."""
        newest: dict[str, Heartbeat] = {}
        while self._heard and floor.covers(self._heard[0][0]):
            heartbeat = self._heard.popleft()[1]
            newest[heartbeat.source] = heartbeat
        return list(newest.values())


async def run_sources(nats: Client, pool: Pool, tell: Tell, stop: asyncio.Event) -> None:
    """Listens to sources until told to stop; outages of NATS or PostgreSQL are waited out."""
    while not stop.is_set():
        try:
            await _listen(nats.jetstream(), pool, tell, stop)
        except Exception as error:  # whatever the outage is, the messages are still in the stream
            tell("sources_interrupted", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_SECONDS)


async def _listen(js: JetStreamContext, pool: Pool, tell: Tell, stop: asyncio.Event) -> None:
    await ensure_usage_stream(js)
    subscription, waiting = await js.pull_subscribe_bind(SOURCES_CONSUMER, USAGE_STREAM), Waiting()
    while not stop.is_set():
        messages = await _fetch(subscription)
        heard = list(_read(messages, tell))
        await asyncio.to_thread(_store, pool, [said for _, said in heard])
        for message in messages:
            await message.ack()
        for seq, said in heard:
            if isinstance(said, Heartbeat):
                waiting.add(seq, said)
        floor = await _read_floor(js)
        await asyncio.to_thread(_settle, pool, waiting.take_reached(floor), floor.drained_at)


async def _fetch(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await subscription.fetch(FETCH_MESSAGES, timeout=FETCH_SECONDS)
    except TimeoutError:
        return []


def _read(messages: list[Msg], tell: Tell) -> Iterator[tuple[int, Heartbeat | ControlTotals]]:
    for message in messages:
        try:
            said = sources.decode(message.data)
            if said.at - clock.now() > FUTURE_LIMIT:
                raise ValueError(f"the clock of '{said.source}' is more than 5 minutes ahead")
            yield message.metadata.sequence.stream, said
        except ValueError as error:
            tell("source_message_refused", subject=message.subject, error=str(error))


async def _read_floor(js: JetStreamContext) -> Floor:
    asked_at = clock.now()
    info: Any = await js.consumer_info(USAGE_STREAM, INGEST_CONSUMER)
    is_drained = info.num_pending == 0 and info.num_ack_pending == 0
    return Floor(info.ack_floor.stream_seq, asked_at if is_drained else None)


def _store(pool: Pool, messages: list[Heartbeat | ControlTotals]) -> None:
    if messages:
        with pool.connection() as connection:
            store_messages(connection, messages)


def _settle(pool: Pool, reached: list[Heartbeat], drained_at: datetime | None) -> None:
    with pool.connection() as connection:
        settle(connection, reached, drained_at, clock.now())

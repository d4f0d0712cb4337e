"""Takes settled events from the spool to JetStream: acknowledged there first, forgotten here afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aias_core.contracts.transport import USAGE_EVENTS_SUBJECT, ensure_usage_stream
from aias_core.contracts.usage import SCHEMA
from aias_core.errors import DependencyUnreachable
from aias_core.routing.spool import Batch, Spool

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

ACK_SECONDS = 5.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
IDLE_SECONDS = 0.2
GATHER_SECONDS = 0.1
SYNC_SECONDS = 0.02
REST_SECONDS = 3.0


class Publisher:
    """Publishes the spool of one process, in order, for ever."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._written = asyncio.Event()
        self._reachable = asyncio.Event()
        self._nats: Client | None = None

    def notice(self) -> None:
        """Something was settled: publish soon."""
        self._written.set()

    async def notice_reconnected(self) -> None:
        """NATS is back: do not wait out the pause."""
        self._reachable.set()

    async def probe(self) -> Mapping[str, Any]:
        """Raises DependencyUnreachable while there is no connection to NATS."""
        if self._nats is None or not self._nats.is_connected:
            raise DependencyUnreachable
        return {}

    async def run(self, nats: Client, stop: asyncio.Event) -> None:
        """Publishes until told to stop; while NATS is away it tries again, at most half a minute apart."""
        self._nats, pause = nats, SHORTEST_PAUSE
        while not stop.is_set():
            try:
                await self._publish_all(nats.jetstream(timeout=ACK_SECONDS), stop)
                pause = SHORTEST_PAUSE
            except Exception:  # whatever NATS says, the events are safe in the spool
                self._reachable.clear()
                await _wait_for_either(self._reachable, stop, pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def publish_rest(self, nats: Client) -> None:
        """Publishes what is left at the end of the process, as far as it goes in a few seconds."""
        with suppress(Exception):
            async with asyncio.timeout(REST_SECONDS):
                while batch := self._spool.read_batch():
                    await self._publish(nats.jetstream(timeout=ACK_SECONDS), batch)

    async def run_sync(self, stop: asyncio.Event) -> None:
        """Brings the spool to the disk in groups, off the event loop."""
        while not stop.is_set():
            await asyncio.sleep(SYNC_SECONDS)
            self._spool.settle_waiting()
            if self._spool.is_dirty:
                await asyncio.to_thread(self._spool.sync)

    async def _publish_all(self, js: JetStreamContext, stop: asyncio.Event) -> None:
        await ensure_usage_stream(js)
        while not stop.is_set():
            batch = self._spool.read_batch()
            if batch is not None:
                await self._publish(js, batch)
                continue
            self._written.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), IDLE_SECONDS)
                await asyncio.sleep(GATHER_SECONDS)

    async def _publish(self, js: JetStreamContext, batch: Batch) -> None:
        message_id = f"{self._spool.source}/{batch.start.segment}-{batch.start.offset}-{batch.end.offset}"
        headers = {"Nats-Msg-Id": message_id, "Aias-Schema": SCHEMA}
        if self._spool.is_dirty:  # a number that was heard is never given again, even after a power failure
            await asyncio.to_thread(self._spool.sync)
        await js.publish(USAGE_EVENTS_SUBJECT, b"\n".join(batch.lines), headers=headers)
        self._spool.acknowledge(batch)


async def _wait_for_either(first: asyncio.Event, second: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in (first, second)]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()

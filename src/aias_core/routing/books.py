"""What a router process tells of itself: heartbeats, so that nobody waits for nothing, and control totals.

A heartbeat is put together without a pause in between, so each request that ended before it is either published or
named in it. Totals are announced before the heartbeat that says up to when they are sealed.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from aias_core import clock, ids
from aias_core.contracts import sources
from aias_core.contracts.sources import HEARTBEAT_SECONDS, TOTALS_LIMIT, ControlTotals, Heartbeat
from aias_core.contracts.transport import CONTROL_SUBJECT, HEARTBEAT_SUBJECT
from aias_core.files import whole_file
from aias_core.routing.spool import Spool
from aias_core.windows import hour_of

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

ACK_SECONDS = 2.0


class Books:
    """The account of one process: what runs, what is not published, and what has been announced."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._running: set[UUID] = set()
        self._sealed_through: datetime | None = None

    def begin(self, request_id: UUID) -> None:
        """A request came in; from now on it may become an event."""
        self._running.add(request_id)

    def end(self, request_id: UUID) -> None:
        """A request is settled, or will never be one."""
        self._running.discard(request_id)

    def heartbeat(self, *, closing: bool = False) -> Heartbeat:
        """Where this process stands now."""
        return Heartbeat(
            source=self._spool.source,
            at=clock.now(),
            highest_seq=self._spool.highest_seq,
            published_seq=self._spool.highest_seq - self._spool.pending,
            oldest_unpublished_at=self._spool.oldest_ended_at,
            oldest_in_flight_at=self._oldest_in_flight(),
            sealed_through=self._sealed_through,
            closing=closing,
        )

    async def run(self, nats: Client, stop: asyncio.Event, every_seconds: float = HEARTBEAT_SECONDS) -> None:
        """Speaks in a steady rhythm until told to stop; what NATS does not take is said again the next time."""
        js = nats.jetstream(timeout=ACK_SECONDS)
        while not stop.is_set():
            with suppress(Exception):  # silence is what the other side acts on
                await self.speak(js)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_seconds)

    async def speak(self, js: JetStreamContext) -> None:
        """Announces the totals that are new, then where this process stands."""
        sealed_through = hour_of(self._oldest_in_flight() or clock.now())
        news = self._spool.totals.list_news(sealed_through)
        for first in range(0, len(news), TOTALS_LIMIT):
            part = news[first : first + TOTALS_LIMIT]
            message = ControlTotals(source=self._spool.source, at=clock.now(), totals=part)
            await js.publish(CONTROL_SUBJECT, sources.encode(message))
            self._spool.totals.note_announced(part)
        self._sealed_through = sealed_through
        await js.publish(HEARTBEAT_SUBJECT, sources.encode(self.heartbeat()))

    async def say_goodbye(self, nats: Client) -> None:
        """Announces the end of the process, unless something is left that only its next run can publish."""
        js = nats.jetstream(timeout=ACK_SECONDS)
        with suppress(Exception):
            await self.speak(js)
            if self._oldest_in_flight() is None:
                await js.publish(HEARTBEAT_SUBJECT, sources.encode(self.heartbeat(closing=True)))

    def _oldest_in_flight(self) -> datetime | None:
        running = ids.instant_of(min(self._running)) if self._running else None
        unpublished = self._spool.oldest_admitted_at
        return min((at for at in (running, unpublished) if at is not None), default=None)


def name_source(directory: Path, prefix: str) -> str:
    """The name under which a spool has always spoken; a new directory gets one that nobody else has."""
    path = directory / "source"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with whole_file(path) as file:
            file.write(f"{prefix}-{secrets.token_hex(4)}".encode())
    return path.read_text()

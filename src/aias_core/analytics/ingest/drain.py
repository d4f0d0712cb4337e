"""Stores what waits in the stream, once, until nothing is left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aias_core.analytics.ingest.consumer import PipelineState, run_ingest
from aias_core.contracts.transport import INGEST_CONSUMER, USAGE_STREAM, ensure_usage_stream
from aias_core.database.connection import Pool
from aias_core.errors import DependencyUnreachable, Partial
from aias_core.secret import Secret

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

WORKERS = 2
POLL_SECONDS = 0.1
CONNECT_SECONDS = 5
COUNTS = ("accepted", "duplicate", "late", "rejected", "erased")


async def drain_endpoints(nats_url: Secret, dsn: Secret, seconds: float) -> dict[str, int]:
    """Drains the stream of a NATS server into a database; the counts of the events this run stored.

    Raises DependencyUnreachable where NATS does not answer, Partial when messages are left after so many seconds.
    """
    import nats

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            client = await nats.connect(
                nats_url.reveal(), name="aias-drain", max_reconnect_attempts=-1, error_cb=_ignore
            )
    except TimeoutError as exc:
        raise DependencyUnreachable("NATS does not answer", hint="look at it with: aias env status") from exc
    pool = Pool(dsn, "database 'analytics'", "aias-drain", largest=WORKERS)
    try:
        state = await drain_stream(client, pool, seconds)
    finally:
        await client.close()
        pool.close()
    return {name: getattr(state, name) for name in COUNTS}


async def drain_stream(nats: Client, pool: Pool, seconds: float) -> PipelineState:
    """Consumes until every message is stored, by whomever. Raises Partial when some are left after so many seconds."""
    js, state, stop = nats.jetstream(), PipelineState(), asyncio.Event()
    await ensure_usage_stream(js)
    working = asyncio.create_task(run_ingest(nats, pool, state, stop, WORKERS))
    try:
        async with asyncio.timeout(seconds):
            while await count_left(js):
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as exc:
        left = await count_left(js)
        raise Partial(f"{left} messages are left, {state.accepted} events were stored", hint="run it again") from exc
    finally:
        stop.set()
        await working
    return state


async def count_left(js: JetStreamContext) -> int:
    """Messages that were not delivered yet, or not acknowledged."""
    info: Any = await js.consumer_info(USAGE_STREAM, INGEST_CONSUMER)
    return int(info.num_pending + info.num_ack_pending)


async def _ignore(_: Exception) -> None:
    """What goes wrong on the way shows as messages that are left."""

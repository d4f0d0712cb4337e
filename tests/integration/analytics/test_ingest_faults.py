from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nats
import psycopg
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from aias_core.analytics.ingest.consumer import PipelineState, run_ingest
from aias_core.analytics.ingest.drain import count_left, drain_endpoints, drain_stream
from aias_core.contracts import usage
from aias_core.contracts.transport import USAGE_EVENTS_SUBJECT, ensure_usage_stream
from aias_core.database.connection import Pool, connect
from aias_core.environments.local import nats as nats_files
from aias_core.errors import DependencyUnreachable, Partial
from aias_core.secret import Secret, random_base62
from support.events import make_event
from support.servers import free_port, running, wait_for_port

if TYPE_CHECKING:
    from support.servers import PostgresServer

MESSAGES, EVENTS = 120, 50
DEADLINE = 40
Fault = Callable[[], Awaitable[None]]


class Nats:
    """A NATS server of a test's own, which may be killed and started again over the same files."""

    def __init__(self, directory: Path) -> None:
        password, self._port = Secret(random_base62(24)), free_port()
        self._configuration, self._log = directory / "nats.conf", directory / "nats.log"
        self._configuration.write_text(
            nats_files.build_configuration(directory / "store", self._port, free_port(), password)
        )
        self.url = nats_files.build_url(self._port, password)
        self._process: Any = None

    @contextmanager
    def started(self) -> Iterator[Nats]:
        argv = nats_files.build_server_argv(nats_files.find_server(), self._configuration)
        with running(argv, self._log) as self._process:
            wait_for_port(self._port, self._process, self._log)
            yield self

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    with Nats(tmp_path).started() as server:
        yield server


@pytest.fixture
def dsn(postgres_server: PostgresServer, store: psycopg.Connection) -> Secret:
    return postgres_server.dsn(store.info.dbname, "aias_analytics")


async def open_client(url: Secret) -> Client:
    async def ignore(_: Exception) -> None:
        pass

    return await nats.connect(url.reveal(), max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=ignore)


async def publish(client: Client, messages: int = MESSAGES) -> None:
    await ensure_usage_stream(client.jetstream())
    for _ in range(messages):
        lines = b"\n".join(usage.encode(make_event()) for _ in range(EVENTS))
        await client.jetstream().publish(USAGE_EVENTS_SUBJECT, lines)


async def is_empty(client: Client) -> bool:
    try:
        return not await count_left(client.jetstream())
    except nats.errors.Error:  # it is on its way back
        return False


async def ingest_through(url: Secret, pool: Pool, fault: Fault) -> PipelineState:
    """Publishes, ingests with two workers, lets the fault happen under way, and waits until nothing is left.

    What was stored and not acknowledged comes again as a duplicate, so no count of events tells the end.
    """
    client, state, stop = await open_client(url), PipelineState(), asyncio.Event()
    await publish(client)
    working = asyncio.create_task(run_ingest(client, pool, state, stop, workers=2))
    while not state.accepted:
        await asyncio.sleep(0.005)
    assert state.accepted < MESSAGES * EVENTS
    await fault()
    while not await is_empty(client):
        await asyncio.sleep(0.02)
    stop.set()
    await working
    await client.close()
    return state


def ingest_in_time(url: Secret, dsn: Secret, fault: Fault) -> None:
    pool = Pool(dsn, "analytics", "test")
    try:
        asyncio.run(asyncio.wait_for(ingest_through(url, pool, fault), DEADLINE))
    finally:
        pool.close()


def stored(dsn: Secret) -> tuple[int, int]:
    with connect(dsn, autocommit=True) as connection:
        facts = connection.execute("SELECT count(*), count(DISTINCT event_id) FROM aias.usage_facts").fetchone()
    assert facts
    return facts[0], facts[1]


ALL = (MESSAGES * EVENTS, MESSAGES * EVENTS)


def test_a_crash_of_postgres_under_load_loses_and_doubles_nothing(
    broker: Nats, dsn: Secret, postgres_server: PostgresServer
) -> None:
    async def crash() -> None:
        with psycopg.connect(dsn.reveal()) as victim:  # one killed backend makes the server restart all of itself
            os.kill(victim.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                victim.execute("SELECT pg_sleep(10)")

    ingest_in_time(broker.url, dsn, crash)
    assert stored(dsn) == ALL


def test_a_restart_of_nats_under_load_loses_and_doubles_nothing(tmp_path: Path, dsn: Secret) -> None:
    server = Nats(tmp_path)
    with server.started():
        again: Any = server.started()

        async def restart() -> None:
            server.kill()
            await asyncio.to_thread(again.__enter__)

        try:
            ingest_in_time(server.url, dsn, restart)
        finally:
            again.__exit__(None, None, None)
    assert stored(dsn) == ALL


def test_a_worker_killed_between_commit_and_acknowledgement_doubles_nothing(broker: Nats, dsn: Secret) -> None:
    asyncio.run(_publish_only(broker.url, MESSAGES))
    child = multiprocessing.get_context("fork").Process(target=_die_before_acknowledging, args=(broker.url, dsn))
    child.start()
    child.join(DEADLINE)
    assert child.exitcode == -signal.SIGKILL
    before = stored(dsn)
    assert 0 < before[0] < MESSAGES * EVENTS
    counts = asyncio.run(drain_endpoints(broker.url, dsn, DEADLINE))
    assert stored(dsn) == ALL
    assert counts["duplicate"] >= before[0] > 0
    assert counts["accepted"] == MESSAGES * EVENTS - before[0]


async def _publish_only(url: Secret, messages: int) -> None:
    client = await open_client(url)
    await publish(client, messages)
    await client.close()


def _die_before_acknowledging(url: Secret, dsn: Secret) -> None:
    async def die(_message: Msg, timeout: float = 1.0) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    Msg.ack_sync = die  # type: ignore[method-assign]

    async def work() -> None:
        client = await open_client(url)
        await run_ingest(client, Pool(dsn, "analytics", "dies"), PipelineState(), asyncio.Event(), workers=2)

    asyncio.run(work())


def test_a_drain_ends_when_the_stream_is_empty(broker: Nats, dsn: Secret) -> None:
    asyncio.run(_publish_only(broker.url, 30))
    counts = asyncio.run(drain_endpoints(broker.url, dsn, DEADLINE))
    assert counts["accepted"] == 30 * EVENTS
    assert asyncio.run(drain_endpoints(broker.url, dsn, DEADLINE))["accepted"] == 0


def test_a_drain_that_may_not_go_on_says_what_is_left(broker: Nats, postgres_server: PostgresServer) -> None:
    async def drain() -> None:
        client = await open_client(broker.url)
        await publish(client, 3)
        pool = Pool(postgres_server.dsn("nowhere", "aias_analytics"), "analytics", "test", wait_seconds=0.2)
        try:
            with pytest.raises(Partial, match="3 messages are left, 0 events"):
                await drain_stream(client, pool, 1)
        finally:
            pool.close()
            await client.close()

    asyncio.run(drain())


def test_a_drain_without_nats_says_so(dsn: Secret) -> None:
    with pytest.raises(DependencyUnreachable, match="NATS"):
        asyncio.run(drain_endpoints(nats_files.build_url(free_port(), Secret("x")), dsn, 5))

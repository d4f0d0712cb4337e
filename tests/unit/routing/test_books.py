from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from aias_core import clock, ids
from aias_core.contracts import sources
from aias_core.contracts.sources import ControlTotals, Heartbeat
from aias_core.routing.books import Books, name_source
from aias_core.routing.spool import Spool
from aias_core.windows import hour_of
from support.events import id_at, make_event

EARLIER = hour_of(clock.now()) - timedelta(hours=1, minutes=30)


class Stream:
    """What JetStream took, or a stream that refuses."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.heard: list[Heartbeat | ControlTotals] = []
        self.refuses = refuses

    async def publish(self, _: str, payload: bytes) -> None:
        if self.refuses:
            raise ConnectionError
        self.heard.append(sources.decode(payload))

    def jetstream(self, timeout: float) -> Stream:
        return self


def publish_all(spool: Spool) -> None:
    while batch := spool.read_batch():
        spool.acknowledge(batch)


def test_a_heartbeat_names_what_runs_and_what_is_not_published(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    books = Books(spool)
    running = id_at(EARLIER)
    books.begin(running)
    spool.settle(make_event(at=EARLIER + timedelta(seconds=5), duration_ms=2000))
    beat = books.heartbeat()
    assert (beat.highest_seq, beat.published_seq) == (1, 0)
    assert beat.oldest_unpublished_at == ids.instant_of(id_at(EARLIER + timedelta(seconds=7)))
    assert beat.oldest_in_flight_at == ids.instant_of(running)
    books.end(running)
    publish_all(spool)
    beat = books.heartbeat()
    assert (beat.published_seq, beat.oldest_unpublished_at, beat.oldest_in_flight_at) == (1, None, None)


def test_an_hour_is_sealed_when_nothing_of_it_runs_or_waits_and_the_heartbeat_says_so_last(tmp_path: Path) -> None:
    spool, stream = Spool(tmp_path, "router-1"), Stream()
    books, running = Books(spool), id_at(EARLIER)
    spool.settle(make_event(at=EARLIER))
    publish_all(spool)
    books.begin(running)
    asyncio.run(books.speak(stream))  # type: ignore[arg-type]
    books.end(running)
    asyncio.run(books.speak(stream))  # type: ignore[arg-type]
    open_totals, first, sealed_totals, second = stream.heard
    assert isinstance(open_totals, ControlTotals)
    assert isinstance(sealed_totals, ControlTotals)
    assert isinstance(first, Heartbeat)
    assert isinstance(second, Heartbeat)
    assert [(t.requests, t.sealed) for t in (*open_totals.totals, *sealed_totals.totals)] == [(1, False), (1, True)]
    assert first.sealed_through == hour_of(EARLIER)
    assert second.sealed_through == hour_of(clock.now())


def test_what_was_refused_is_said_again(tmp_path: Path) -> None:
    spool, stream = Spool(tmp_path, "router-1"), Stream(refuses=True)
    books = Books(spool)
    spool.settle(make_event(at=EARLIER))
    with pytest.raises(ConnectionError):
        asyncio.run(books.speak(stream))  # type: ignore[arg-type]
    assert books.heartbeat().sealed_through is None
    stream.refuses = False
    asyncio.run(books.speak(stream))  # type: ignore[arg-type]
    assert [type(message) for message in stream.heard] == [ControlTotals, Heartbeat]


@pytest.mark.parametrize("is_published", [True, False])
def test_only_who_leaves_nothing_behind_says_goodbye(tmp_path: Path, is_published: bool) -> None:
    spool, stream = Spool(tmp_path, "router-1"), Stream()
    spool.settle(make_event(at=EARLIER))
    if is_published:
        publish_all(spool)
    asyncio.run(Books(spool).say_goodbye(stream))  # type: ignore[arg-type]
    closing = [message.closing for message in stream.heard if isinstance(message, Heartbeat)]
    assert closing == ([False, True] if is_published else [False])


def test_a_directory_keeps_its_name_and_a_new_one_gets_another(tmp_path: Path) -> None:
    names = [name_source(tmp_path / directory, "router-local") for directory in ("a", "a", "b")]
    assert names[0] == names[1] != names[2]
    assert all(name.startswith("router-local-") for name in names)

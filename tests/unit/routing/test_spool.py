from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.contracts.usage import UsageEvent
from aias_core.errors import LockHeld
from aias_core.routing import spool as spool_module
from aias_core.routing.spool import Spool, SpoolUnavailable
from support.events import make_event


def lost() -> UsageEvent:
    return make_event(status="error", error_code="router_interrupted", billable=False, price_id=None)


def drain(spool: Spool) -> list[UsageEvent]:
    events: list[UsageEvent] = []
    while batch := spool.read_batch():
        events += [msgspec.json.decode(line, type=UsageEvent) for line in batch.lines]
        spool.acknowledge(batch)
    return events


def test_settled_events_come_out_in_order_and_numbered(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    sent = [make_event() for _ in range(1200)]
    for event in sent:
        spool.settle(event)
    got = drain(spool)
    assert [e.event_id for e in got] == [e.event_id for e in sent]
    assert [(e.source, e.source_seq) for e in got] == [("router-1", n) for n in range(1, 1201)]
    assert spool.pending == 0


def test_what_was_not_acknowledged_comes_again_after_a_restart_and_numbers_go_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    spool.settle(make_event())
    assert drain(spool)
    spool.settle(make_event())
    spool.close()
    again = Spool(tmp_path, "router-1")
    again.settle(make_event())
    assert [e.source_seq for e in drain(again)] == [2, 3]


def test_numbers_go_on_when_every_segment_was_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1000)
    spool = Spool(tmp_path, "router-1")
    for _ in range(10):
        spool.settle(make_event())
    drain(spool)
    spool.close()
    assert len(list(tmp_path.glob("*.segment"))) == 1
    again = Spool(tmp_path, "router-1")
    again.settle(make_event())
    assert [e.source_seq for e in drain(again)] == [11]


def test_a_torn_mark_publishes_again_rather_than_losing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    spool.settle(make_event())
    drain(spool)
    spool.close()
    (tmp_path / "published").write_bytes(b"\0" * 7)
    assert [e.source_seq for e in drain(Spool(tmp_path, "router-1"))] == [1]


def test_an_open_request_becomes_an_event_of_its_own_exactly_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    open_request, ended = lost(), make_event()
    spool.admit(open_request)
    spool.admit(ended)
    spool.settle(ended)
    spool.close()
    for _ in range(2):
        spool = Spool(tmp_path, "router-1")
        spool.close()
    events = drain(Spool(tmp_path, "router-1"))
    assert [(e.event_id, e.status) for e in events] == [(ended.event_id, "success"), (open_request.event_id, "error")]


def test_a_segment_with_an_open_request_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1000)
    spool = Spool(tmp_path, "router-1")
    spool.admit(lost())
    for _ in range(10):
        spool.settle(make_event())
    drain(spool)
    spool.close()
    assert [e.error_code for e in drain(Spool(tmp_path, "router-1"))] == ["router_interrupted"]


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(min_value=0, max_value=3000), flip=st.booleans())
def test_a_torn_or_damaged_tail_costs_only_itself(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: bool
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    spool = Spool(directory, "router-1")
    sent = [make_event() for _ in range(4)]
    ends = []
    for event in sent:
        spool.settle(event)
        ends.append(next(directory.glob("*.segment")).stat().st_size)
    spool.close()
    path = next(directory.glob("*.segment"))
    cut = min(cut, path.stat().st_size)
    if flip and cut < path.stat().st_size:
        content = bytearray(path.read_bytes())
        content[cut] ^= 0xFF
        path.write_bytes(content)
    else:
        os.truncate(path, cut)
    whole = [event for event, end in zip(sent, ends, strict=True) if end <= cut]
    again = Spool(directory, "router-1")
    extra = make_event()
    again.settle(extra)
    assert [e.event_id for e in drain(again)] == [e.event_id for e in [*whole, extra]]


def test_a_killed_process_loses_nothing_it_had_written(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        spool = Spool(tmp_path, "router-1")
        for _ in range(50):
            spool.settle(make_event())
        spool.admit(lost())
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert [e.source_seq for e in drain(Spool(tmp_path, "router-1"))] == list(range(1, 52))


def test_a_spool_belongs_to_one_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    with pytest.raises(LockHeld):
        Spool(tmp_path, "router-1")
    spool.close()
    Spool(tmp_path, "router-1")


def test_a_full_disk_refuses_the_record_and_damages_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1")
    spool.settle(make_event())
    size = next(tmp_path.glob("*.segment")).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(SpoolUnavailable):
            spool.admit(lost())
        spool.settle(make_event())
        assert spool.is_full
        assert len(drain(spool)) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.settle_waiting()
    assert not spool.is_full
    assert [e.source_seq for e in drain(spool)] == [2]


def test_a_spool_without_room_admits_nothing_but_still_settles(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "router-1", room_bytes=500)
    spool.settle(make_event())
    assert spool.is_full
    with pytest.raises(SpoolUnavailable):
        spool.admit(lost())
    spool.settle(make_event())
    assert len(drain(spool)) == 2

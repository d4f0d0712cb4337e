from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.contracts.sources import HourTotal
from aias_core.contracts.usage import UsageEvent
from aias_core.errors import PrerequisiteMissing
from aias_core.routing import spool as spool_module
from aias_core.routing.spool import Spool
from aias_core.routing.totals import KEPT, Totals
from aias_core.windows import hour_of
from support.events import ORG, OTHER_ORG, make_event

START = datetime(2026, 11, 1, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = START + timedelta(days=90)
Key = tuple[Any, datetime]


def oracle(events: list[UsageEvent]) -> dict[Key, tuple[int, ...]]:
    sums: dict[Key, Counter[str]] = {}
    for e in events:
        sums.setdefault((e.org_id, hour_of(e.occurred_at)), Counter()).update(
            {"n": 1, "i": e.input_tokens, "o": e.output_tokens, "c": e.cost_pico}
        )
    return {key: (c["n"], c["i"], c["o"], c["c"]) for key, c in sums.items()}


def shown(totals: list[HourTotal]) -> dict[Key, tuple[int, ...]]:
    return {(t.org_id, t.hour): (t.requests, t.input_tokens, t.output_tokens, t.cost_pico) for t in totals}


def drain(spool: Spool) -> list[UsageEvent]:
    events: list[UsageEvent] = []
    while batch := spool.read_batch():
        events += [msgspec.json.decode(line, type=UsageEvent) for line in batch.lines]
        spool.acknowledge(batch)
    return events


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(["settle", "settle", "settle", "admit", "publish", "restart"]), max_size=60))
def test_a_restart_neither_loses_nor_doubles_a_total(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool_module, "SEGMENT_BYTES", 2500)
        directory, published = tmp_path_factory.mktemp("spool"), list[UsageEvent]()
        spool = Spool(directory, "router-1")
        for number, step in enumerate(steps):
            event = make_event(
                at=START + timedelta(minutes=7 * number),
                org_id=(ORG, OTHER_ORG)[number % 2],
                input_tokens=number,
            )
            if step == "settle":
                spool.settle(event)
            elif step == "admit":
                spool.admit(event)
            elif step == "publish":
                published += drain(spool)
            else:
                spool.close()
                spool = Spool(directory, "router-1")
        spool.close()
        spool = Spool(directory, "router-1")
        published += drain(spool)
        assert shown(spool.totals.list_news(FAR)) == oracle(published)
        assert spool.oldest_ended_at is None
        assert spool.oldest_admitted_at is None
        spool.close()


def test_a_total_is_news_until_it_is_announced_and_again_when_its_hour_is_sealed(tmp_path: Path) -> None:
    totals = Totals(tmp_path / "totals")
    totals.count(make_event(at=START))
    [first] = totals.list_news(hour_of(START))
    assert not first.sealed
    totals.count(make_event(at=START))
    totals.note_announced([first])
    [second] = totals.list_news(hour_of(START))
    assert second.requests == 2
    totals.note_announced([second])
    assert totals.list_news(hour_of(START)) == []
    [sealed] = totals.list_news(hour_of(START) + HOUR)
    assert sealed.sealed
    totals.note_announced([sealed])
    assert totals.list_news(FAR) == []


def test_sealed_totals_are_forgotten_after_two_days_and_open_ones_never(tmp_path: Path) -> None:
    totals = Totals(tmp_path / "totals")
    for at in (START, START + HOUR, START + KEPT + 2 * HOUR):
        totals.count(make_event(at=at))
    totals.note_announced(totals.list_news(hour_of(START) + HOUR))
    totals.save(1, 0)
    hours = [total.hour for total in Totals(tmp_path / "totals").list_news(FAR)]
    assert hours == [hour_of(START + HOUR), hour_of(START + KEPT + 2 * HOUR)]


def test_a_disk_that_takes_no_totals_gets_its_room_back_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1000)
    spool, save, tries = Spool(tmp_path, "router-1"), Totals.save, list[int]()

    def save_when_there_is_room(totals: Totals, segment: int, offset: int) -> None:
        tries.append(len(list(tmp_path.glob("*.segment"))))
        if len(tries) == 1:
            raise PrerequisiteMissing("the disk is full")
        save(totals, segment, offset)

    monkeypatch.setattr(Totals, "save", save_when_there_is_room)
    for _ in range(5):
        spool.settle(make_event())
    drain(spool)
    assert tries[0] > tries[1] == 1
    spool.close()
    assert sum(total.requests for total in Spool(tmp_path, "router-1").totals.list_news(FAR)) == 5


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "totals").write_bytes(b"\xff{")
    assert Totals(tmp_path / "totals").list_news(FAR) == []

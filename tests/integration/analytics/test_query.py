"""Answers about usage, compared with brute force over the events they came from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core import clock
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.pages import cut_page
from aias_core.analytics.query.parameters import Filters, Question, build_query
from aias_core.analytics.query.scope import Scope
from aias_core.analytics.query.usage import read_usage
from aias_core.analytics.query.zones import Grain, floor_to, next_edge
from aias_core.contracts.usage import UsageEvent
from aias_core.money import parse_amount
from support.events import MODEL, ORG
from support.usage import KEYS, SECOND_MODEL, random_usage, shown_percentile, store_usage, sum_up

if TYPE_CHECKING:
    pass

DAYS = 30
MODELS = {MODEL: "mock-small", SECOND_MODEL: "mock-large", None: "unassigned"}
SHOWN: dict[str, Any] = {
    "model": lambda e: MODELS[e.model_id],
    "project": lambda e: "search" if e.project_id else "none",
    "key": lambda e: f"key-{KEYS.index(e.api_key_id)}",
    "operation": lambda e: e.operation,
    "region": lambda e: e.region,
    "status": lambda e: e.status,
}
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]


@pytest.fixture
def events(store: psycopg.Connection) -> Iterator[list[UsageEvent]]:
    """400 stored events of the last month, in rollups."""
    known = random_usage(random.Random(7), clock.now(), DAYS, 400)
    store_usage(store, known)
    return known


@st.composite
def questions(draw: st.DrawFn) -> Question:
    grain = draw(st.sampled_from(["hour", "day", "month"]))
    zone = draw(st.sampled_from(ZONES))
    start = clock.now() - timedelta(hours=draw(st.integers(1, 24 * 28)))
    end = start + timedelta(hours=draw(st.integers(1, 24 * 14)))
    groups = draw(st.lists(st.sampled_from(list(SHOWN)), max_size=2, unique=True))
    chosen = {
        "model": draw(st.sampled_from([(), ("mock-small",), (str(SECOND_MODEL), "unassigned")])),
        "project": draw(st.sampled_from([(), ("search",), ("none",)])),
        "key": draw(st.sampled_from([(), (), ("key-1", str(KEYS[2]))])),
        "operation": draw(st.sampled_from([(), ("chat",)])),
        "region": draw(st.sampled_from([(), ("eu",)])),
    }
    return Question(
        *(clock.format_instant(at) for at in (start, end)),
        granularity=grain,
        filters=Filters(**chosen),
        group_by=tuple(groups),
        fill=draw(st.sampled_from(["zero", "none"])),
        tz=zone,
        align=True,
        top=draw(st.sampled_from([None, None, 1, 2])),
        percentiles=draw(st.sampled_from([(), (50, 95)])),
    )


def matches(filters: Filters, event: UsageEvent) -> bool:
    ids = {"model": event.model_id, "project": event.project_id, "key": event.api_key_id}
    return all(
        not (wanted := getattr(filters, name))
        or {str(ids.get(name)), SHOWN[name](event)} & {"none" if w == "None" else w for w in wanted}
        for name in ("model", "project", "key", "operation", "region")
    )


def test_series_and_totals_equal_brute_force(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    @settings(max_examples=150, deadline=None)
    @given(questions(), st.integers(1, 60))
    def compare(question: Question, limit: int) -> None:
        try:
            query = build_query(question)
            answer = read_usage(store, Scope.of(ORG), query)
        except InvalidQuery as refused:
            if refused.item in ("zone_not_aligned", "window_too_long"):
                return
            raise
        mine = [e for e in events if e.org_id == ORG and e.occurred_at in query.window]
        check_totals(answer, inside := [e for e in mine if matches(question.filters, e)])
        check_sums(answer)
        if question.top is None:
            check_series(answer, question, inside)
        check_pages(answer, query.fingerprint, limit)

    compare()


def check_totals(answer: dict[str, Any], inside: list[UsageEvent]) -> None:
    [total] = answer["totals"]
    expected = sum_up(inside, lambda _: ()).get((), {"requests": 0, "cost_pico": 0, "input_tokens": 0})
    assert total["requests"] == expected["requests"]
    assert total["input_tokens"] == expected["input_tokens"]
    assert parse_amount(total["cost"]) == expected["cost_pico"]


def check_sums(answer: dict[str, Any]) -> None:
    [total] = answer["totals"]
    for name, value in total.items():
        if isinstance(value, int):
            assert value == sum(row[name] for row in answer["series"]), name
    assert parse_amount(total["cost"]) == sum(parse_amount(row["cost"]) for row in answer["series"])


def check_series(answer: dict[str, Any], question: Question, inside: list[UsageEvent]) -> None:
    grain, zone = Grain(question.granularity or ""), ZoneInfo(question.tz)
    expected = sum_up(
        inside,
        lambda e: (
            clock.format_second(floor_to(e.occurred_at, grain, zone)),
            *(SHOWN[name](e) for name in question.group_by),
        ),
    )
    found = {(row["bucket_start"], *(row["keys"][name] for name in question.group_by)): row for row in answer["series"]}
    assert len(found) == len(answer["series"])
    assert {key for key, row in found.items() if row["requests"]} == set(expected)
    for key, known in expected.items():
        row = found[key]
        assert {name: row[name] for name in known if name in row} == {n: v for n, v in known.items() if n in row}
        assert parse_amount(row["cost"]) == known["cost_pico"]
        if question.percentiles:
            latencies = known["latencies"]
            assert row["latency_ms"]["count"] == len(latencies)
            if latencies:
                assert row["latency_ms"]["p95"] == shown_percentile(latencies, 95)
    if question.fill == "zero" and answer["series"]:
        buckets = {row["bucket_start"] for row in answer["series"]}
        at, end = (clock.parse_instant(answer["window"][bound]) for bound in ("from", "to"))
        while at < end:
            assert clock.format_second(at) in buckets
            at = next_edge(at, grain, zone)


def check_pages(answer: dict[str, Any], fingerprint: str, limit: int) -> None:
    rows: list[Any] = []
    cursor = None
    while True:
        page = cut_page(answer, fingerprint, limit, cursor)
        assert page["totals"] == answer["totals"]
        rows += page["series"]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert rows == answer["series"]

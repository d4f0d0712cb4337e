"""Answers about usage, compared with brute force over the events they came from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.forecast import read_forecast
from aias_core.analytics.query.freshness import read_freshness
from aias_core.analytics.query.pages import cut_page
from aias_core.analytics.query.parameters import Filters, Question, build_query
from aias_core.analytics.query.scope import Scope
from aias_core.analytics.query.usage import read_reliability, read_usage
from aias_core.analytics.query.zones import floor_to, next_edge
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.contracts.usage import UsageEvent
from aias_core.money import parse_amount
from aias_core.windows import Grain
from support.events import MODEL, ORG, OTHER_ORG, make_event
from support.questions import questions
from support.usage import HOLDER, KEYS, SECOND_MODEL, random_usage, shown_percentile, store_usage, sum_up

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


@pytest.fixture
def events(store: psycopg.Connection) -> Iterator[list[UsageEvent]]:
    """400 stored events of the last month, in rollups."""
    known = random_usage(random.Random(7), clock.now(), DAYS - 1, 400)
    store_usage(store, known)
    return known


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


def ask(store: psycopg.Connection, scope: Scope, **asked: Any) -> dict[str, Any]:
    return read_usage(store, scope, build_query(Question(**{"period": "30d", **asked})))


def test_row_security_alone_stops_the_query_of_another_organization(
    store: psycopg.Connection, events: list[UsageEvent]
) -> None:
    foreign = Scope((OTHER_ORG,), tenant=ORG)
    everything = Scope(None, tenant=ORG)
    own = sum(e.org_id == ORG for e in events)
    for group in ((), ("status",), ("key",)):
        assert ask(store, foreign, group_by=group)["totals"][0]["requests"] == 0
        assert ask(store, everything, group_by=group)["totals"][0]["requests"] == own


def test_the_querys_own_filter_alone_stops_it_too(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    as_the_service = Scope((ORG,))
    assert ask(store, as_the_service)["totals"][0]["requests"] == sum(e.org_id == ORG for e in events)


def test_a_holder_sees_the_usage_of_own_keys(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    data = ask(store, Scope.of(ORG, HOLDER), percentiles=(50, 95))
    mine = [e for e in events if e.org_id == ORG and e.api_key_id == KEYS[0]]
    assert data["totals"][0]["requests"] == len(mine)
    assert data["totals"][0]["latency_ms"]["count"] == sum(e.status == "success" for e in mine)


def test_the_window_before_is_compared(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    data = ask(store, Scope.of(ORG), period="7d", compare="previous")
    bounds = [clock.parse_instant(data["previous"]["window"][name]) for name in ("from", "to")]
    assert bounds[1] == clock.parse_instant(data["window"]["from"])
    before = [e for e in events if e.org_id == ORG and bounds[0] <= e.occurred_at < bounds[1]]
    assert data["previous"]["totals"][0]["requests"] == len(before)
    assert parse_amount(data["previous"]["totals"][0]["cost"]) == sum(e.cost_pico for e in before)


def test_reliability_has_rates_of_the_outcomes(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    query = build_query(Question(period="30d", percentiles=(95,)), money=False)
    [total] = read_reliability(store, Scope.of(ORG), query)["totals"]
    mine = [e for e in events if e.org_id == ORG]
    failed = sum(e.status in ("error", "timeout") for e in mine)
    assert total["error_rate"] == round(failed / len(mine), 6)
    assert total["throttle_rate"] == round(sum(e.status == "throttled" for e in mine) / len(mine), 6)
    assert "cost" not in total


def test_a_bucket_is_partial_until_the_pipeline_is_past_it(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    settled = windows.day_of(clock.now()) - timedelta(days=2)
    store.execute("INSERT INTO aias.watermarks VALUES ('rollup_hour', %s, %s)", [settled, settled])
    rows = ask(store, Scope.of(ORG), fill="zero")["series"]
    assert [row["partial"] for row in rows] == [clock.parse_instant(row["bucket_end"]) > settled for row in rows]
    assert {row["partial"] for row in rows} == {True, False}


def test_an_unchanged_answer_keeps_its_version(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    first = ask(store, Scope.of(ORG))["data_version"]
    assert ask(store, Scope.of(ORG))["data_version"] == first
    store_usage_again = random_usage(random.Random(8), clock.now(), 1, 3)
    ingest_lines(store, [usage.encode(event) for event in store_usage_again], "test")
    run_rollup(store)
    assert ask(store, Scope.of(ORG))["data_version"] != first


def test_a_forecast_is_the_run_rate_of_full_days(store: psycopg.Connection, events: list[UsageEvent]) -> None:
    forecast = read_forecast(store, Scope.of(ORG), budget=10**30)
    today = windows.day_of(clock.now())
    mine = [e for e in events if e.org_id == ORG]
    spent = sum(e.cost_pico for e in mine if e.occurred_at >= windows.month_of(clock.now()))
    week = sum(e.cost_pico for e in mine if today - timedelta(days=7) <= e.occurred_at < today)
    assert parse_amount(forecast["spend_to_date"]) == spent
    assert parse_amount(forecast["run_rate_per_day"]) == round(Fraction(week, 7))
    assert forecast["method"]["days"] == 7
    assert forecast["budget"]["exhaustion_date"] is None
    tight = read_forecast(store, Scope.of(ORG), budget=1)["budget"]
    assert (tight["exhausted"], tight["exhaustion_date"] is not None) == (True, True)


def test_freshness_of_an_idle_organization_is_idle_and_of_a_busy_one_fresh(store: psycopg.Connection) -> None:
    now = clock.now()
    store.execute("INSERT INTO aias.watermarks VALUES ('rollup_hour', %s, %s)", [now, now])
    ingest_lines(store, [usage.encode(make_event())], "test")
    assert read_freshness(store, Scope.of(ORG))["status"] == "fresh"
    assert read_freshness(store, Scope.of(OTHER_ORG))["status"] == "idle"
    assert read_freshness(store, Scope.of(ORG), (str(SECOND_MODEL),))["status"] == "idle"
    assert read_freshness(store, Scope(None))["status"] == "fresh"
    late = make_event(at=now - timedelta(hours=5))
    ingest_lines(store, [usage.encode(late)], "test")
    assert read_freshness(store, Scope.of(ORG))["late_pending"] == 1


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

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core import clock
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import BUCKETS_LIMIT, Filters, Question, build_query
from aias_core.analytics.query.periods import previous_window
from aias_core.analytics.query.sources import Relation, choose_source
from aias_core.analytics.query.zones import floor_to, list_edges, next_edge, widen
from aias_core.windows import Grain, Window

NOW = datetime(2026, 11, 25, 15, 40, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"]
instants = st.integers(0, 3 * 365 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
grains, zones = st.sampled_from(Grain), st.sampled_from(ZONES).map(ZoneInfo)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(instants, grains, zones)
def test_every_instant_is_in_exactly_the_bucket_of_its_floor(instant: datetime, grain: Grain, zone: ZoneInfo) -> None:
    start = floor_to(instant, grain, zone)
    end = next_edge(start, grain, zone)
    assert start <= instant < end
    assert floor_to(start, grain, zone) == start
    assert floor_to(end, grain, zone) == end


@given(instants, st.timedeltas(timedelta(minutes=1), timedelta(days=60)), zones)
def test_edges_of_a_widened_window_hold_it_without_gaps(start: datetime, length: timedelta, zone: ZoneInfo) -> None:
    window = widen(Window(start, start + length), Grain.DAY, zone)
    assert window.start <= start
    assert start + length <= window.end
    edges = list_edges(window, Grain.DAY, zone, 400)
    assert (edges[0], edges[-1]) == (window.start, window.end)
    assert all(timedelta(hours=23) <= b - a <= timedelta(hours=25) for a, b in pairwise(edges))


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("mtd", "2026-11-01", "2026-11-26"),
        ("7d", "2026-11-19", "2026-11-26"),
        ("30d", "2026-10-27", "2026-11-26"),
        ("last-month", "2026-10-01", "2026-11-01"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
    ],
)
def test_a_period_is_its_days(period: str, start: str, end: str) -> None:
    assert build_query(Question(period=period)).window == Window(at(start), at(end))


def test_the_last_24_hours_are_hours_up_to_the_present_one() -> None:
    query = build_query(Question(period="24h"))
    assert (query.grain, query.window) == (Grain.HOUR, Window(at("2026-11-24T16:00"), at("2026-11-25T16:00")))


def test_a_month_is_the_same_as_its_bounds() -> None:
    by_bounds = build_query(Question("2026-10-01", "2026-11-01"))
    assert build_query(Question(period="2026-10")).fingerprint == by_bounds.fingerprint


def test_dates_are_midnights_of_the_zone() -> None:
    query = build_query(Question("2026-10-24", "2026-10-27", tz="Europe/Berlin"))
    assert query.edges == tuple(
        map(at, ("2026-10-23T22:00", "2026-10-24T22:00", "2026-10-25T23:00", "2026-10-26T23:00"))
    )


@pytest.mark.parametrize(
    ("question", "item"),
    [
        (Question(), "invalid_window"),
        (Question("2026-11-02", "2026-11-02"), "invalid_window"),
        (Question("2026-11-02T00:00:00"), "invalid_window"),
        (Question("2026-11-02", period="7d"), "invalid_window"),
        (Question(period="2026-13"), "invalid_window"),
        (Question(period="2026-12"), "invalid_window"),
        (Question(period="9999-12"), "invalid_window"),
        (Question("2026-10-03", "2026-10-05", granularity="month"), "unaligned_window"),
        (Question("2026-10-03T12:00:00Z", "2026-10-05"), "unaligned_window"),
        (Question("2026-09-01", "2026-11-01", granularity="hour"), "window_too_long"),
        (Question("2025-09-01", "2026-11-01", granularity="month"), "window_too_long"),
        (Question("0001-01-01", "2026-11-01"), "window_too_long"),
        (Question(period="7d", group_by=("model", "model")), "invalid_group"),
        (Question(period="7d", group_by=("model", "key", "region")), "invalid_group"),
        (Question(period="7d", percentiles=(42,)), "invalid_percentiles"),
        (Question(period="7d", fill="some"), "invalid_fill"),
        (Question(period="7d", compare="next"), "invalid_compare"),
        (Question(period="7d", top=101), "invalid_top"),
        (Question(period="7d", filters=Filters(operation=("chatt",))), "invalid_operation"),
        (Question(period="7d", tz="../etc/passwd"), "unknown_zone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_question_names_its_item(question: Question, item: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        build_query(question)
    assert caught.value.item == item
    assert caught.value.items[0]["code"] == item


def test_alignment_widens_outward() -> None:
    query = build_query(Question("2026-10-03T12:00:00Z", "2026-10-05T00:00:01Z", align=True))
    assert query.window == Window(at("2026-10-03"), at("2026-10-06"))


@pytest.mark.parametrize("alias", ["hourly", "daily", "monthly"])
def test_grains_have_the_names_people_say(alias: str) -> None:
    assert build_query(Question("2026-11-01", "2026-12-01", granularity=alias)).grain is not None


def test_31_days_by_hour_fit_also_when_one_has_25() -> None:
    query = build_query(Question("2026-10-01", "2026-11-01", granularity="hour", tz="Europe/Berlin"))
    assert len(query.edges) - 1 == 31 * 24 + 1 == BUCKETS_LIMIT[Grain.HOUR]


@pytest.mark.parametrize(
    ("start", "end", "tz", "before"),
    [
        ("2026-10-01", "2026-11-01", "UTC", ("2026-09-01", "2026-10-01")),
        ("2026-01-01", "2026-03-01", "UTC", ("2025-11-01", "2026-01-01")),
        ("2026-11-10", "2026-11-17", "UTC", ("2026-11-03", "2026-11-10")),
        ("2026-10-26", "2026-11-02", "Europe/Berlin", ("2026-10-18T22:00", "2026-10-25T23:00")),
    ],
)
def test_the_window_before_has_the_same_length(start: str, end: str, tz: str, before: tuple[str, str]) -> None:
    query = build_query(Question(start, end, tz=tz))
    assert previous_window(query.window, query.zone) == Window(*map(at, before))
    assert len(query.previous().edges) > 1


BY_KEY = {"filters": Filters(key=("laptop",))}


@pytest.mark.parametrize(
    ("question", "relation"),
    [
        (Question(period="30d"), Relation.DAYS),
        (Question(period="7d", granularity="hour"), Relation.HOURS),
        (Question("2026-10-01", "2026-11-01", granularity="month"), Relation.DAYS),
        (Question(period="30d", tz="Europe/Berlin"), Relation.HOURS),
        (Question(period="30d", tz="Africa/Abidjan"), Relation.DAYS),
        (Question(period="30d", tz="Asia/Kolkata"), Relation.FACTS),
        (Question("2026-10-01", "2026-10-10", tz="Australia/Lord_Howe"), Relation.FACTS),
        (Question(period="30d", group_by=("status",)), Relation.FACTS),
        (Question(period="30d", **BY_KEY), Relation.DAY_KEYS),
        (Question(period="7d", granularity="hour", **BY_KEY), Relation.HOUR_KEYS),
        (Question(period="30d", group_by=("region",), **BY_KEY), Relation.FACTS),
        (Question(period="30d", percentiles=(95,), **BY_KEY), Relation.FACTS),
    ],
    ids=lambda value: value.value if isinstance(value, Relation) else "",
)
def test_the_coarsest_table_that_holds_the_answer_is_read(question: Question, relation: Relation) -> None:
    assert choose_source(build_query(question), by_key=bool(question.filters.key)).relation is relation


@pytest.mark.parametrize(
    ("question", "item"),
    [
        (Question("2026-01-01", "2026-11-01", tz="Asia/Kolkata"), "zone_not_aligned"),
        (Question("2026-01-01", "2026-11-01", group_by=("status",)), "window_too_long"),
        (Question("2026-06-01", "2026-06-08", granularity="hour"), "grain_expired"),
        (Question("2026-06-01", "2026-06-08", tz="Europe/Berlin"), "grain_expired"),
        (Question("2025-06-01", "2025-06-08"), "grain_expired"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_table_holds_is_refused_by_name(question: Question, item: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        choose_source(build_query(question), by_key=False)
    assert caught.value.item == item

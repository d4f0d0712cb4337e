from datetime import UTC, datetime, timedelta

import pytest

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.windows import Window, day_of, hour_of, month_window, next_month, parse_span, parse_window


@pytest.fixture
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "days"), [("2026-11", 30), ("2026-02", 28), ("2024-02", 29), ("2025-12", 31)], ids=lambda v: str(v)
)
@pytest.mark.usefixtures("in_november")
def test_a_month_is_exactly_its_days(text: str, days: int) -> None:
    window = month_window(text)
    assert window.end - window.start == timedelta(days=days)
    assert window.end not in window
    assert window.start in window


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-10", "2026/10", "0000-01", "", "2026-10-01"])
@pytest.mark.usefixtures("in_november")
def test_what_is_not_a_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a month"):
        month_window(text)


@pytest.mark.usefixtures("in_november")
def test_a_month_in_the_future_is_refused_naming_the_latest() -> None:
    with pytest.raises(InvalidInput, match="has not begun") as caught:
        month_window("2026-12")
    assert caught.value.hint == "the latest month is 2026-11"


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidInput):
        Window(start, start)


def test_buckets_are_cut_in_utc() -> None:
    at = datetime.fromisoformat("2026-10-31T23:30:00-05:00")
    assert hour_of(at) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert day_of(at) == datetime(2026, 11, 1, tzinfo=UTC)
    assert next_month(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_edges_are_instants_or_dates_which_are_midnights_in_utc() -> None:
    window = parse_window("2026-10-01", "2026-10-01T05:30:00+02:00")
    assert (window.start, window.end) == (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, 3, 30, tzinfo=UTC))


@pytest.mark.parametrize("text", ["2026-13-01", "yesterday", "2026-10-01T00:00", ""])
def test_an_edge_without_a_zone_or_a_meaning_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_window(text, "2026-10-02")
    assert caught.value.hint == "write it as 2026-10-01 or 2026-10-01T00:00Z"


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604_800)])
def test_a_length_of_time_has_a_unit(text: str, seconds: int) -> None:
    assert parse_span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1.5h", "5w"])
def test_a_length_of_time_without_a_meaning_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a length of time"):
        parse_span(text)

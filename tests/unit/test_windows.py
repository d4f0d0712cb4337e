from datetime import UTC, datetime, timedelta

import pytest

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.windows import Window, day_of, hour_of, month_window, next_month


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

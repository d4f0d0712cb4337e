from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.finance.export.request import Compression, ExportRequest, Format, Kind, find_window
from aias_core.windows import Grain, Window

NOW = datetime(2028, 3, 31, 13, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ({"month": "2026-11"}, "2026-11-01", "2026-12-01"),
        ({"month": "last"}, "2028-02-01", "2028-03-01"),
        ({"month": "current"}, "2028-03-01", "2028-04-01"),
        ({"period": "mtd"}, "2028-03-01", "2028-04-01"),
        ({"period": "7d"}, "2028-03-25", "2028-04-01"),
        ({"period": "24h"}, "2028-03-30T14:00", "2028-03-31T14:00"),
        ({"period": "last-month"}, "2028-02-01", "2028-03-01"),
        ({"period": "2026-12"}, "2026-12-01", "2027-01-01"),
        ({"start": "2026-11-01", "end": "2026-12-01"}, "2026-11-01", "2026-12-01"),
        ({"start": "2026-11-01T02:00:00+02:00", "end": "2026-11-02"}, "2026-11-01", "2026-11-02"),
    ],
    ids=str,
)
def test_every_way_to_name_a_period_gives_its_window(given: dict[str, str], start: str, end: str) -> None:
    names = ("month", "period", "start", "end")
    assert find_window(*(given.get(name) for name in names)) == Window(at(start), at(end))


def test_a_leap_february_has_29_days() -> None:
    window = find_window("last", None, None, None)
    assert window.end - window.start == timedelta(days=29)


@pytest.mark.parametrize(
    "given",
    [
        (None, None, None, None),
        ("2026-10", "7d", None, None),
        ("2026-10", None, "2026-10-01", "2026-11-01"),
        (None, None, "2026-10-01", None),
        (None, None, None, "2026-10-01"),
        (None, "8d", None, None),
        (None, None, "yesterday", "2026-10-01"),
        (None, None, "2026-10-02", "2026-10-01"),
        ("2028-04", None, None, None),
    ],
    ids=str,
)
def test_an_ambiguous_period_is_refused(given: tuple[str | None, ...]) -> None:
    with pytest.raises(InvalidInput):
        find_window(*given)


@pytest.mark.parametrize(
    ("start", "end", "changes"),
    [
        ("2026-10-01T00:30", "2026-10-02", {"granularity": Grain.HOUR}),
        ("2026-10-01T01:00", "2026-10-02", {}),
        ("2026-10-01", "2026-10-03", {"granularity": Grain.MONTH}),
        ("2026-10-01", "2026-11-02", {}),
        ("2026-10-01", "2026-11-02", {"granularity": Grain.HOUR}),
        ("2025-01-01", "2026-03-01", {"granularity": Grain.MONTH}),
        ("2026-10-01", "2026-11-01", {"kind": Kind.FOCUS, "format": Format.JSONL}),
        ("2026-10-01", "2026-11-01", {"kind": Kind.FOCUS, "granularity": Grain.HOUR}),
        ("2026-10-01", "2026-11-01", {"format": Format.PARQUET, "compression": Compression.GZIP}),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_is_refused(start: str, end: str, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        ExportRequest(Window(at(start), at(end)), **changes)


def test_a_month_and_its_bounds_have_the_same_name() -> None:
    month = ExportRequest(find_window("2026-11", None, None, None))
    assert month == ExportRequest(find_window(None, None, "2026-11-01", "2026-12-01"))
    assert month.file_name(2) == "aias-usage_all_2026-11_day_v2.csv"


def test_files_of_other_filters_have_other_names() -> None:
    month = ExportRequest(find_window("2026-11", None, None, None))
    one, two = (UUID(int=number) for number in (1, 2))
    names = [month.narrowed(None, *wanted).file_name(0) for wanted in (((one,), ()), ((two,), ()), ((), (one,)))]
    assert len({month.file_name(0), *names}) == 4
    assert month.narrowed(None, (one, two), ()).file_name(0) == month.narrowed(None, (two, one), ()).file_name(0)

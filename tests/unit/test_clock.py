"""Lengths of time and ends as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aias_core import clock


@pytest.mark.parametrize(
    ("text", "span"), [("90m", timedelta(minutes=90)), ("8h", timedelta(hours=8)), ("2d", timedelta(days=2))]
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, span: timedelta) -> None:
    assert clock.parse_span(text) == span


@pytest.mark.parametrize("text", ["", "8", "h", "-1h", "8 h", "1w", "1.5h"])
def test_another_text_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        clock.parse_span(text)


def test_an_end_is_an_instant_or_so_long_from_now() -> None:
    assert clock.parse_end("2026-10-01T12:00:00Z") == clock.parse_instant("2026-10-01T12:00:00Z")
    assert timedelta(minutes=119) < clock.parse_end("2h") - clock.now() <= timedelta(hours=2)

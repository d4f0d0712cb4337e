from __future__ import annotations

import pytest

from aias_core.analytics import sketch
from aias_core.analytics.query.usage import show_percentiles


@pytest.mark.parametrize("milliseconds", [1, 2, 3, 8, 9, 58, 999, 86_400_000])
def test_what_is_shown_keeps_the_promise_of_one_percent(milliseconds: int) -> None:
    tally = sketch.Tally()
    tally.add([sketch.bucket_of(milliseconds)], [1])
    assert show_percentiles(tally, (50,))["p50"] == pytest.approx(milliseconds, rel=0.0101)

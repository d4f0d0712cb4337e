from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.routing import backlog as backlog_module
from aias_core.routing.backlog import Backlog, end_of
from support.events import make_event

START = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 1000), st.integers(0, 5000)),
            st.integers(1, 10),
        ),
        max_size=60,
    )
)
def test_it_counts_exactly_and_is_never_younger_than_the_oldest(steps: list[tuple[int, int] | int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog_module, "RUN_EVENTS", 4)
        backlog, waiting = Backlog(), []
        for step in steps:
            if isinstance(step, tuple):
                event = make_event(at=START + timedelta(seconds=step[0]), duration_ms=step[1], ttft_ms=None)
                backlog.add(event)
                waiting.append(event)
            else:
                taken = min(step, len(waiting))
                backlog.remove(taken)
                del waiting[:taken]
            assert backlog.count == len(waiting)
            assert (backlog.oldest_ended_at is None) == (not waiting)
            if backlog.oldest_ended_at is not None and backlog.oldest_admitted_at is not None:
                assert backlog.oldest_ended_at <= min(map(end_of, waiting))
                assert backlog.oldest_admitted_at <= min(event.occurred_at for event in waiting)

"""Random questions about usage, of every grain, zone, group and filter."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from aias_core import clock
from aias_core.analytics.query.parameters import Filters, Question
from support.usage import KEYS, SECOND_MODEL

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
GROUPS = ["model", "project", "key", "operation", "region", "status"]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    grain = draw(st.sampled_from(["hour", "day", "month"]))
    zone = draw(st.sampled_from(ZONES))
    start = clock.now() - timedelta(hours=draw(st.integers(1, 24 * 28)))
    end = start + timedelta(hours=draw(st.integers(1, 24 * 14)))
    groups = draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True))
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

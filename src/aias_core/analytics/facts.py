"""Where the facts of a window lie."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aias_core import ids
from aias_core.contracts.usage import ID_TIME_TOLERANCE_SECONDS
from aias_core.windows import Window

_TOLERANCE = timedelta(seconds=ID_TIME_TOLERANCE_SECONDS)


def bound_facts(window: Window, margin: timedelta = timedelta(0)) -> dict[str, Any]:
    """Bounds on `occurred_at`, and the bounds on `event_id` that follow from them, so that the primary key is of use.

    The time inside an event's id is that of its admission within a second.
    """
    start, end = window.start - margin, window.end + margin
    first_id, last_id = ids.lowest_id_at(start - _TOLERANCE), ids.lowest_id_at(end + _TOLERANCE)
    return {"start": start, "end": end, "first_id": first_id, "last_id": last_id}

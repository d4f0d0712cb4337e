"""Values of rows as JSON has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aias_core import clock


def plain(value: Any) -> Any:
    """An instant or a UUID as its text, anything else as it is."""
    match value:
        case datetime():
            return clock.format_instant(value)
        case UUID():
            return str(value)
        case _:
            return value

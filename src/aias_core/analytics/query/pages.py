"""One page of a series; every page carries the totals of the whole."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from aias_core.analytics.query.cursor import read_cursor, write_cursor


def cut_page(answer: Mapping[str, Any], fingerprint: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """The answer with `limit` rows of its series after a cursor, and `page` with the cursor of the next ones or null.

    A cursor names the last row, not a number of rows, so that rows which appear meanwhile shift nothing.
    """
    series = answer["series"]
    first = bisect_right(series, read_cursor(cursor, fingerprint), key=_position) if cursor else 0
    rows = series[first : first + limit]
    has_more = first + limit < len(series)
    following = write_cursor(fingerprint, _position(rows[-1])) if has_more else None
    return {**answer, "series": rows, "page": {"rows": len(rows), "of": len(series), "next_cursor": following}}


def _position(row: Mapping[str, Any]) -> list[str]:
    return [row["bucket_start"], *(str(value) for value in row["keys"].values()), row.get("currency", "")]

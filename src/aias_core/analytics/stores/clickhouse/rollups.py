"""Rollups in ClickHouse, which has no transactions: rows are written first, and seen when their attempt is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from aias_core import ids
from aias_core.analytics.stores.clickhouse.server import ClickHouse, to_microseconds
from aias_core.analytics.stores.protocol import Buckets, Grain, Replaced
from aias_core.database.queries import load_queries

LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
TABLES = {"hour": ("usage_hours", "usage_hour_keys"), "day": ("usage_days", "usage_day_keys")}
GROUPINGS: dict[str, tuple[LiteralString, LiteralString]] = {
    "hour": ("group_hour_lines", "group_hour_keys"),
    "day": ("group_day_lines", "group_day_keys"),
}

_queries = load_queries(__file__)


def show_hours(server: ClickHouse, hours: Buckets, run_id: UUID) -> tuple[bytes, bytes]:
    """The lines of whole hours of the staged facts, and their counters by key, as the text that COPY reads."""
    values = {**_bind("hour", hours), "run_id": run_id}
    lines = _write("show_lines", "group_hour_lines", facts="from_staged")
    return server.read_text(lines, values), server.read_text(
        _write("show_keys", "group_hour_keys", facts="from_staged"), values
    )


def _write(outer: LiteralString, grouping: LiteralString, *, facts: LiteralString = "from_stored") -> LiteralString:
    rows = _queries[grouping]
    if grouping.startswith("group_hour"):
        rows = rows.format(facts=_queries[facts], counters=_queries["counters"])
    return _queries[outer] + " (" + rows + ") grouped"


def _bind(grain: Grain, buckets: Buckets) -> dict[str, Any]:
    """The buckets as bound values: pairs of start and organization, and the window that holds them all."""
    pairs = [(to_microseconds(start), org_id) for start, orgs in buckets.items() for org_id in orgs]
    starts, orgs = zip(*pairs, strict=True)
    length = LENGTHS[grain] // timedelta(microseconds=1)
    return {"starts": list(starts), "orgs": list(orgs), "from": min(starts), "to": max(starts) + length}


class ClickHouseRollups:
    """The rollups beside their facts, in one ClickHouse database."""

    buckets_at_once = 1024

    def __init__(self, server: ClickHouse) -> None:
        self._server = server

    def replace(self, grain: Grain, buckets: Buckets, run_id: UUID) -> Replaced:
        """As RollupStore says. Killed anywhere, it leaves the buckets as they were or as they are to be."""
        if not buckets:
            return Replaced(0, 0, 0)
        values = {**_bind(grain, buckets), "grain": grain}
        values |= {"attempt": self._next_attempt(values), "run_id": run_id}
        for target in TABLES[grain]:
            self._server.execute(_queries["delete_superseded"], {**values, "target": target})
        [(removed, _), (removed_keys, _)] = self._count(grain, "count_current", values)
        for target, grouping in zip(TABLES[grain], GROUPINGS[grain], strict=True):
            self._server.execute(_write("insert_lines", grouping), {**values, "target": target})
        self._server.execute(_queries["insert_attempts"], values)
        [(written, read), (written_keys, _)] = self._count(grain, "count_written", values)
        return Replaced(written + written_keys, removed + removed_keys, read if grain == "hour" else 0)

    def _next_attempt(self, values: dict[str, Any]) -> int:
        """A new id, or more than the newest attempt where a clock that went wrong has made that one."""
        [[newest]] = self._server.read(_queries["read_newest_attempt"], values)
        return max(ids.new_id().int, int(newest) + 1)

    def _count(self, grain: Grain, query: str, values: dict[str, Any]) -> list[Sequence[int]]:
        return [self._server.read(_queries[query], {**values, "target": target})[0] for target in TABLES[grain]]

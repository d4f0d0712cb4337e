"""What is compared with what, by scope."""

from __future__ import annotations

from typing import Literal

from aias_core.analytics.reconcile.comparison import Comparison
from aias_core.database.queries import load_queries

Scope = Literal["sources", "rollups", "statements", "all"]

queries = load_queries(__file__)

_LINE = ("project_id", "model_id", "operation", "region", "currency", "price_id")
_KEY = ("project_id", "api_key_id", "model_id", "currency")
_BILLED = (
    *("requests", "successes", "errors", "timeouts", "throttled", "cancelled", "rejected"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"),
    *("billed_requests", "billed_input_tokens", "billed_cached_input_tokens", "billed_output_tokens"),
    *("cost_pico", "adjustment_pico"),
)
_COUNTERS = (*_BILLED, "adjustments")
_HISTOGRAMS = ("latency_count", "latency_sum_ms", "ttft_count", "ttft_sum_ms")
_MARKS = ("latency_mark", "ttft_mark")
_EXTREMES = ("latency_min", "latency_max", "ttft_min", "ttft_max")


def _lines(name: str, expected: str, grain: Literal["hour", "day"], needs: tuple[str, ...]) -> Comparison:
    sums = (*_COUNTERS, *_HISTOGRAMS)
    return Comparison(name, queries[expected], queries[name], grain, _LINE, sums, _MARKS, _EXTREMES, needs)


def _keys(name: str, expected: str, grain: Literal["hour", "day"], needs: tuple[str, ...]) -> Comparison:
    return Comparison(name, queries[expected], queries[name], grain, _KEY, _COUNTERS, needs=needs)


ROLLUPS = (
    _lines("hours", "facts", "hour", ("usage_facts", "usage_hours")),
    _keys("hour_keys", "facts", "hour", ("usage_facts", "usage_hour_keys")),
    _lines("days", "hours", "day", ("usage_hours", "usage_days")),
    _keys("day_keys", "hour_keys", "day", ("usage_hour_keys", "usage_day_keys")),
)
SOURCES = (
    Comparison(
        *("sources", queries["sealed_totals"], queries["sealed_facts"], "hour", ("source",)),
        sums=("requests", "input_tokens", "output_tokens", "cost_pico"),
        needs=("usage_facts",),
    ),
)
STATEMENTS = (
    Comparison(
        *("statements", queries["closed_days"], queries["statement_lines"], "day", _LINE, _BILLED),
        needs=("usage_days",),
    ),
)
BY_SCOPE: dict[Scope, tuple[Comparison, ...]] = {
    "sources": SOURCES,
    "rollups": ROLLUPS,
    "statements": STATEMENTS,
    "all": (*SOURCES, *ROLLUPS, *STATEMENTS),
}
OPEN = {"sources": "open_sources", "statements": "open_statements"}
PRICED: dict[Scope, tuple[str, ...]] = {
    "sources": (),
    "rollups": ("price_hours",),
    "statements": ("price_statements",),
    "all": ("price_hours", "price_statements"),
}

"""From which table a question is answered: the coarsest that holds what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from aias_core import clock, windows
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import Dimension, UsageQuery
from aias_core.analytics.query.zones import are_days, are_hours
from aias_core.windows import Grain

FACTS_DAYS = timedelta(days=31, hours=1)


class Relation(StrEnum):
    """Where rows come from; the value is the table's name."""

    DAYS = "usage_days"
    DAY_KEYS = "usage_day_keys"
    HOURS = "usage_hours"
    HOUR_KEYS = "usage_hour_keys"
    FACTS = "usage_facts"


@dataclass(frozen=True, slots=True)
class Source:
    """A relation, and whether its buckets are those of the question."""

    relation: Relation
    is_native: bool


LIFETIMES = {
    Relation.HOURS: timedelta(days=90),
    Relation.HOUR_KEYS: timedelta(days=90),
    Relation.DAYS: timedelta(days=397),
    Relation.DAY_KEYS: timedelta(days=397),
    Relation.FACTS: timedelta(days=400),
}


def choose_source(query: UsageQuery, *, by_key: bool) -> Source:
    """The table that answers a question; `by_key` tells that single keys are meant.

    Raises InvalidQuery: `grain_expired` for rows that are no longer kept; `zone_not_aligned` and `window_too_long`
    where single requests would have to be read for more than 31 days.
    """
    source = _find_source(query, by_key)
    kept = windows.month_of(clock.now() - LIFETIMES[source.relation])
    if query.window.start < kept:
        raise InvalidQuery(
            "grain_expired",
            "from",
            f"What this is answered from is kept since {kept:%Y-%m-%d} only",
            hint="ask by day in UTC, or begin later",
        )
    return source


def _find_source(query: UsageQuery, by_key: bool) -> Source:
    if what := _needs_facts(query, by_key):
        _check_facts(query, "window_too_long", "to", f"{what} is read from single requests")
        return Source(Relation.FACTS, is_native=False)
    if query.grain is not Grain.HOUR and are_days(query.edges):
        return Source(Relation.DAY_KEYS if by_key else Relation.DAYS, is_native=query.grain is Grain.DAY)
    if are_hours(query.edges):
        return Source(Relation.HOUR_KEYS if by_key else Relation.HOURS, is_native=query.grain is Grain.HOUR)
    _check_facts(
        query, "zone_not_aligned", "tz", f"The zone {query.zone.key} does not begin its hours with those of UTC"
    )
    return Source(Relation.FACTS, is_native=False)


def _needs_facts(query: UsageQuery, by_key: bool) -> str | None:
    groups, filters = set(query.group_by), query.filters
    if Dimension.STATUS in groups:
        return "Usage by status"
    if by_key and (groups & {Dimension.OPERATION, Dimension.REGION} or filters.operation or filters.region):
        return "Usage by key and operation or region"
    if by_key and query.percentiles:
        return "Latency by key"
    return None


def _check_facts(query: UsageQuery, item: str, field: str, why: str) -> None:
    if query.window.end - query.window.start > FACTS_DAYS:
        raise InvalidQuery(item, field, f"{why}: 31 days at most", hint="ask for a shorter window")

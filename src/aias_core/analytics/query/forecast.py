"""Where the month is heading: the run rate of the last full days, carried to the end of the month, in exact amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from psycopg import sql

from aias_core import clock, windows
from aias_core.analytics.query.freshness import read_watermarks
from aias_core.analytics.query.parameters import Filters
from aias_core.analytics.query.scope import Scope, reading
from aias_core.analytics.query.selection import Selection, find_currency, select_rows
from aias_core.database.queries import load_queries
from aias_core.money import format_pico
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

RATE_DAYS = 7
_DAY = timedelta(days=1)

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Spend of a month up to an instant and the rate at which it goes on; amounts are pico-units."""

    month: Window
    as_of: datetime
    spent: int
    rate: Fraction
    days: int

    def at_end(self) -> int:
        """The projected spend of the whole month."""
        return round(self.spent + self.rate * _days(self.month.end - self.as_of))

    def reaches(self, limit: int) -> datetime | None:
        """When the spend reaches a limit at this rate; None when it does not within the month."""
        if self.rate <= 0:
            return None
        seconds = (limit - self.spent) / self.rate * 86_400
        at = self.as_of + timedelta(seconds=int(seconds)) if seconds < 40 * 86_400 else self.month.end
        return at if at < self.month.end else None


def look_ahead(as_of: datetime, spend: Mapping[datetime, int], first_day: datetime | None) -> Outlook:
    """The outlook of the month that holds `as_of`, from the spend by UTC day and the first day that ever had some.

    The rate is the mean of the last seven full days, or of those since the first one.
    """
    start = windows.month_of(as_of)
    today = windows.day_of(as_of)
    days = 0 if first_day is None else max(0, min(RATE_DAYS, (today - first_day) // _DAY))
    recent = sum(spend.get(today - _DAY * back, 0) for back in range(1, days + 1))
    spent = sum(amount for day, amount in spend.items() if day >= start)
    return Outlook(
        Window(start, windows.next_month(start)), as_of, spent, Fraction(recent, days) if days else Fraction(0), days
    )


def read_forecast(connection: Connection, scope: Scope, budget: int | None = None) -> dict[str, Any]:
    """Spend to date, run rate and projected end of this UTC month of one organization; with a budget, what it leaves.

    Amounts are decimal texts with twelve places in the currency of the organization; `budget` is in pico-units.
    """
    settled, _ = read_watermarks(connection)
    as_of = min(clock.now(), settled) if settled else clock.now()
    with reading(connection, scope):
        currency = find_currency(connection, scope)
        spend, first_day = _read_spend(connection, scope, as_of, currency)
    outlook = look_ahead(as_of, spend, first_day)
    answer = {
        "month": f"{outlook.month.start:%Y-%m}",
        "as_of": clock.format_instant(as_of),
        "currency": currency,
        "spend_to_date": format_pico(outlook.spent),
        "run_rate_per_day": format_pico(round(outlook.rate)),
        "projected_month_end": format_pico(outlook.at_end()),
        "method": _name_method(outlook.days),
    }
    return answer if budget is None else {**answer, "budget": _compare(outlook, budget, spend)}


def _name_method(days: int) -> dict[str, Any]:
    told = f"mean of the last {days} full UTC days, carried to the end of the month" if days else "no full day yet"
    return {"name": "run_rate", "days": days, "description": told}


def _compare(outlook: Outlook, budget: int, spend: Mapping[datetime, int]) -> dict[str, Any]:
    crossed = _find_crossing(outlook, budget, spend)
    reached = crossed or outlook.reaches(budget)
    share = Fraction(outlook.spent * 10_000, budget) if budget else None
    return {
        "limit": format_pico(budget),
        "remaining": format_pico(budget - outlook.spent),
        "used_percent": None if share is None else f"{round(share) / 100:.2f}",
        "projected_over": format_pico(max(0, outlook.at_end() - budget)),
        "exhausted": crossed is not None,
        "exhaustion_date": None if reached is None else f"{reached:%Y-%m-%d}",
    }


def _find_crossing(outlook: Outlook, budget: int, spend: Mapping[datetime, int]) -> datetime | None:
    total = 0
    for day in sorted(day for day in spend if day >= outlook.month.start):
        total += spend[day]
        if total >= budget:
            return day
    return None


def _read_spend(
    connection: Connection, scope: Scope, as_of: datetime, currency: str
) -> tuple[dict[datetime, int], datetime | None]:
    selection = select_rows(connection, scope, Filters())
    start = min(windows.month_of(as_of), windows.day_of(as_of) - _DAY * RATE_DAYS)
    values = {**selection.values, "start": start, "end": windows.day_of(as_of) + _DAY, "currency": currency}
    rows = connection.execute(_build("read_daily_spend", scope, selection), values)
    spend = {day: int(amount) for day, amount in rows}
    first = connection.execute(_build("find_first_day", scope, selection), values).fetchone()
    return spend, first[0] if first else None


def _build(name: str, scope: Scope, selection: Selection) -> sql.Composed:
    relation = "usage_days" if scope.holder is None else "usage_day_keys"
    return sql.SQL(_queries[name]).format(relation=sql.Identifier(relation), filters=selection.condition)


def _days(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 86_400_000_000)

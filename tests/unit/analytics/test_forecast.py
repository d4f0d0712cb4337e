from datetime import UTC, datetime, timedelta

import pytest

from aias_core.analytics.query.forecast import look_ahead
from aias_core.analytics.query.freshness import Status, judge

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def days_back(*amounts: int) -> dict[datetime, int]:
    """Spend of the days before the 10th, yesterday first."""
    return {datetime(2026, 11, 10, tzinfo=UTC) - DAY * (back + 1): amount for back, amount in enumerate(amounts)}


def test_the_rate_is_the_mean_of_the_last_seven_full_days_exactly() -> None:
    spend = {**days_back(7, 7, 7, 7, 7, 7, 8, 1_000), datetime(2026, 11, 10, tzinfo=UTC): 3}
    outlook = look_ahead(NOON, spend, datetime(2026, 10, 1, tzinfo=UTC))
    assert (outlook.days, outlook.rate * 7) == (7, 50)
    assert outlook.spent == sum(spend.values())
    assert outlook.at_end() == round(outlook.spent + 50 / 7 * 20.5)


def test_a_new_organization_is_judged_by_the_days_it_has() -> None:
    outlook = look_ahead(NOON, days_back(10, 20), datetime(2026, 11, 8, tzinfo=UTC))
    assert (outlook.days, outlook.rate) == (2, 15)


def test_without_a_full_day_there_is_no_rate() -> None:
    outlook = look_ahead(NOON, {}, None)
    assert (outlook.days, outlook.rate, outlook.at_end()) == (0, 0, 0)


def test_spend_of_the_month_before_counts_for_the_rate_and_not_for_the_month() -> None:
    third = datetime(2026, 11, 3, tzinfo=UTC)
    outlook = look_ahead(third, {third - DAY * back: 7 for back in range(1, 8)}, third - DAY * 30)
    assert (outlook.rate, outlook.spent) == (7, 14)


@pytest.mark.parametrize(
    ("limit", "reached"),
    [(100, datetime(2026, 11, 13, 12, tzinfo=UTC)), (10_000, None), (10**30, None)],
    ids=["soon", "not-this-month", "never"],
)
def test_a_limit_is_reached_at_the_rate_or_not_in_this_month(limit: int, reached: datetime | None) -> None:
    assert look_ahead(NOON, days_back(*[10] * 7), datetime(2026, 10, 1, tzinfo=UTC)).reaches(limit) == reached


@pytest.mark.parametrize(
    ("settled", "last", "status"),
    [
        (None, 10, Status.UNKNOWN),
        (299, 10, Status.FRESH),
        (300, 10, Status.STALE),
        (599, 10, Status.STALE),
        (600, 10, Status.DELAYED),
        (10, 3599, Status.FRESH),
        (10, 3600, Status.IDLE),
        (10, None, Status.IDLE),
        (700, None, Status.DELAYED),
        (400, 7200, Status.STALE),
        (None, None, Status.UNKNOWN),
    ],
)
def test_a_stopped_pipeline_is_never_idle_and_an_idle_tenant_never_delayed(
    settled: int | None, last: int | None, status: Status
) -> None:
    def before(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOON - timedelta(seconds=seconds)

    assert judge(NOON, before(settled), before(last)) is status

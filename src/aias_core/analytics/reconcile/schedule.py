"""Reconciliation by the clock: hourly over two days, daily over the time in which events are accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aias_core.analytics.reconcile.comparisons import queries
from aias_core.analytics.reconcile.run import Reconciliation, Trigger, run_reconciliation
from aias_core.windows import Window, day_of, hour_of

if TYPE_CHECKING:
    from psycopg import Connection

HOURLY, DAILY = timedelta(hours=48), timedelta(days=35)


def run_due(connection: Connection, now: datetime) -> list[Reconciliation]:
    """Runs what is due and was not run yet, by whichever process; nothing while another one is at it."""
    with _only_here(connection) as is_only:
        return [
            run_reconciliation(connection, window, trigger=trigger)
            for trigger, due, window in _plan(now)
            if is_only and not _has_run(connection, trigger, due)
        ]


def _plan(now: datetime) -> Iterator[tuple[Trigger, datetime, Window]]:
    hour, day = hour_of(now), day_of(now)
    yield "hourly", hour, Window(hour - HOURLY, hour)
    yield "daily", day, Window(day - DAILY, day)


def _has_run(connection: Connection, trigger: Trigger, due: datetime) -> bool:
    [last] = connection.execute(queries["find_last_run"], {"trigger": trigger}).fetchone() or (None,)
    return last is not None and last >= due


@contextmanager
def _only_here(connection: Connection) -> Iterator[bool]:
    [is_only] = connection.execute(queries["lock_schedule"]).fetchone() or (False,)
    try:
        yield is_only
    finally:
        if is_only:
            connection.execute(queries["unlock_schedule"])

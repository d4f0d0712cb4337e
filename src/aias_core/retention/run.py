"""Removing what the plan shows: in batches that are each their own transaction, or by dropping a partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.errors import AiasError, InvalidInput, Partial
from aias_core.retention.holds import HeldByLaw
from aias_core.retention.order import order_tables
from aias_core.retention.partitions import drop_one
from aias_core.retention.plan import Expired, RetentionPlan, build_plan, list_held
from aias_core.retention.records import record
from aias_core.retention.stores import Databases, Stores, as_retention, opened, queries

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_ROWS = 1000
Progress = Callable[[str], None]
_PURGES = {"audit_log": "purge_audit", "users": "purge_users"}


@dataclass(frozen=True, slots=True)
class RetentionRun:
    """What went, by table and partition, and what is still there although it has expired."""

    as_of: datetime
    removed: Sequence[Expired]
    left: RetentionPlan

    def as_record(self) -> dict[str, Any]:
        return {
            "as_of": clock.format_instant(self.as_of),
            "rows": sum(item.rows for item in self.removed),
            "bytes": sum(item.bytes for item in self.removed),
            "removed": [item.as_record() for item in self.removed],
        }

    def check(self) -> None:
        """Raises Partial when rows that may go are left, HeldByLaw when a hold keeps some that have expired."""
        if self.left.rows:
            raise Partial(f"{self.left.rows} expired rows are left: somebody was using them", hint="run it again")
        for item in self.left.kept_by_hold:
            names = " and ".join(map(str, self.left.holds))
            raise HeldByLaw(
                f"{item.kept} expired rows of '{item.table}' stay: {names}", hint="see all with: aias db hold list"
            )


def run_retention(
    stores: Stores, as_of: datetime, max_seconds: float, progress: Progress, only: frozenset[str] = frozenset()
) -> RetentionRun:
    """Removes what the plan of `as_of` shows, or of it what goes in the ways of `only`, and records it.

    Raises InvalidInput for a time ahead, Partial when `max_seconds` are over: a second run goes on. What a hold keeps
    stays, and the run says so in `check`.
    """
    if as_of > clock.now():
        raise InvalidInput("Nothing is removed ahead of its time", hint="see what will go with: aias db retention plan")
    with opened(stores, alone=True) as databases:
        plan = build_plan(databases, as_of)
        deadline, ended = clock.monotonic() + max_seconds, False
        try:
            with as_retention(databases):
                _remove(databases, plan, deadline, progress, only)
            ended = True
        finally:
            left = build_plan(databases, as_of)
            run = RetentionRun(as_of, _subtract(plan, left), narrow(left, only))
            _record(databases, run, ended)
    return run


def _remove(
    databases: Databases, plan: RetentionPlan, deadline: float, progress: Progress, only: frozenset[str]
) -> None:
    for item in _order(databases, plan):
        if not item.purge.startswith("with ") and (not only or item.purge in only):
            progress(f"Removing {item.rows} rows of '{item.part or item.table}'")
            for _ in _iter_batches(databases, plan, item):
                if clock.monotonic() > deadline:
                    raise Partial("The time ran out before everything was removed", hint="go on with the same command")


def _order(databases: Databases, plan: RetentionPlan) -> list[Expired]:
    """Rows before partitions, and rows that refer to others before those."""
    tables = order_tables(databases.operational, (item.table for item in plan.items if item.database == "operational"))
    rank = {table: number for number, table in enumerate(tables)}
    return sorted(plan.items, key=lambda item: (item.database, item.part is not None, rank.get(item.table, 0)))


def _iter_batches(databases: Databases, plan: RetentionPlan, item: Expired) -> Iterator[None]:
    if item.purge == "drop_partition":
        if not item.kept:
            drop_one(databases.analytics, plan.as_of, list_held(databases))
            yield
        return
    query = _PURGES.get(item.table, f"purge_{item.database}")
    left = item.rows
    while left > 0:
        limit = min(left, BATCH_ROWS) if item.table == "audit_log" else BATCH_ROWS
        held = list_held(databases)  # each time: somebody may place a hold meanwhile
        keys = {"table": item.table, "part": item.part, "as_of": plan.as_of, "limit": limit, "held": held}
        row = databases.get(item.database).execute(queries[query], keys).fetchone()
        if row is None or not row[0]:
            return
        left -= row[0]
        yield


def _subtract(plan: RetentionPlan, left: RetentionPlan) -> list[Expired]:
    """What the plan showed and is not there any more; what somebody has held since then is."""
    there = {(item.database, item.table, item.part): item for item in left.items}
    removed = []
    for item in plan.items:
        rest = there.get((item.database, item.table, item.part))
        is_dropped = item.purge == "drop_partition" and rest is None
        rows = _count_gone(item, rest)
        if rows > 0 or is_dropped:
            size = item.bytes * rows // item.rows if item.rows else item.bytes
            removed.append(Expired(**{**item.as_record(), "rows": rows, "bytes": size, "kept": 0, "kept_by": None}))
    return removed


def _count_gone(item: Expired, rest: Expired | None) -> int:
    if rest is None:
        return item.rows
    if item.purge == "drop_partition":  # whole or not at all
        return 0
    return item.rows + item.kept - rest.rows - rest.kept


def narrow(plan: RetentionPlan, only: frozenset[str]) -> RetentionPlan:
    """Of a plan what goes in the ways of `only`; all of it for none."""
    items = tuple(item for item in plan.items if not only or item.purge in only)
    return RetentionPlan(plan.as_of, items, plan.holds, plan.held)


def _record(databases: Databases, run: RetentionRun, ended: bool) -> None:
    removed: dict[str, int] = {}
    for item in run.removed:
        removed[f"{item.database}.{item.table}"] = removed.get(f"{item.database}.{item.table}", 0) + item.rows
    details = {"as_of": clock.format_instant(run.as_of), "removed": removed}
    try:
        record(databases.operational, "retention.run", "succeeded" if ended else "failed", details)
    except AiasError:
        if ended:
            raise

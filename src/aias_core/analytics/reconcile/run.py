"""Proves that sources, facts, hours, days, per-key tables and statements say the same, and each cost follows its price.

Everything is read in one snapshot. A bucket in the queue, an hour that is not sealed and a day that got events after
its month was closed are open: they are counted and not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from aias_core import clock, ids
from aias_core.analytics.facts import bound_facts
from aias_core.analytics.reconcile.comparison import Bucket, Comparison, Finding, find_buckets, iter_findings
from aias_core.analytics.reconcile.comparisons import BY_SCOPE, OPEN, PRICED, Scope, queries
from aias_core.analytics.rollup.run import run_rollup
from aias_core.analytics.sources.registry import find_gaps
from aias_core.errors import InvalidInput
from aias_core.windows import Window, day_of, hour_of

if TYPE_CHECKING:
    from psycopg import Connection

FINDINGS_SHOWN = 100
FINDINGS_KEPT = 10_000
FACTS_AT_ONCE = 100_000
Trigger = Literal["command", "hourly", "daily", "close"]


@dataclass(frozen=True, slots=True)
class Request:
    """What to reconcile: a window of whole hours, a scope, and the difference that is let through."""

    window: Window
    scope: Scope = "all"
    tolerance: int = 0
    trigger: Trigger = "command"

    def __post_init__(self) -> None:
        if any(hour_of(at) != at for at in (self.window.start, self.window.end)):
            raise InvalidInput(
                "The window does not begin and end with an hour", hint="write times as 2026-10-01T00:00Z"
            )
        if self.tolerance < 0:
            raise InvalidInput("A tolerance is not negative", hint="leave out --tolerance for an exact comparison")


@dataclass(slots=True)
class Reconciliation:
    """The verdict: keys compared, buckets still open, and each difference with both sides."""

    request: Request
    run_id: UUID
    started_at: datetime
    compared: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    repairable: dict[str, set[Bucket]] = field(default_factory=lambda: {"hour": set(), "day": set()})
    facts: int = 0
    costs_pending: int = 0
    costs_mismatched: int = 0
    dead_letters_open: int = 0

    @property
    def differences(self) -> int:
        return self.different.total()

    @property
    def verdict(self) -> Literal["equal", "different", "open"]:
        if self.differences:
            return "different"
        return "open" if self.opened.total() and not self.compared.total() else "equal"

    @property
    def open(self) -> int:
        """Buckets that wait for their recomputation or, after the close of their month, for a restatement."""
        return self.opened.total() - self.unsealed

    @property
    def unsealed(self) -> int:
        """Hours of organizations of which a source has not said everything yet."""
        return self.opened["sources"]

    def as_record(self) -> dict[str, Any]:
        window = self.request.window
        return {
            "run_id": str(self.run_id),
            "window": {"from": clock.format_second(window.start), "to": clock.format_second(window.end)},
            "scope": self.request.scope,
            "tolerance": self.request.tolerance,
            "verdict": self.verdict,
            "facts": self.facts,
            "compared": self.compared.total(),
            "open": self.open,
            "unsealed": self.unsealed,
            "differences": self.differences,
            "by_comparison": dict(self.different),
            "costs_pending": self.costs_pending,
            "costs_mismatched": self.costs_mismatched,
            "dead_letters_open": self.dead_letters_open,
            "findings": [_show(finding) for finding in self.findings[:FINDINGS_SHOWN]],
        }


def run_reconciliation(
    connection: Connection,
    window: Window,
    *,
    scope: Scope = "all",
    tolerance: int = 0,
    trigger: Trigger = "command",
) -> Reconciliation:
    """Compares what the scope names, in one snapshot, and records the run with its findings.

    Raises InvalidInput for a window that does not begin and end with an hour, or a negative tolerance.
    """
    return _run(connection, Request(window, scope, tolerance, trigger))


def repair(connection: Connection, result: Reconciliation) -> Reconciliation:
    """Has the differing buckets recomputed and compares again. No number is edited; what sources say is not changed."""
    for grain, buckets in result.repairable.items():
        if buckets:
            starts, orgs = zip(*sorted(buckets), strict=True)
            rows = {"buckets": list(starts), "orgs": list(orgs), "run_id": result.run_id}
            connection.execute(queries[f"enqueue_{grain}s"], rows)
    run_rollup(connection, trigger="repair")
    return _run(connection, result.request)


def _run(connection: Connection, request: Request) -> Reconciliation:
    result = Reconciliation(request, ids.new_id(), clock.now())
    with _one_snapshot(connection):
        connection.execute(queries["set_memory"])
        retained: dict[str, datetime] = dict(connection.execute(queries["read_retained"]).fetchall())
        for window in _cut(request.window, timedelta(days=1)):
            _reconcile_day(connection, window, retained, result)
        if request.scope in ("sources", "all"):
            _look_for_gaps(connection, result)
        [result.dead_letters_open] = connection.execute(queries["count_open_dead_letters"]).fetchone() or (0,)
        _record(connection, result)
    return result


def _reconcile_day(
    connection: Connection, window: Window, retained: Mapping[str, datetime], result: Reconciliation
) -> None:
    bounds = _bounds(window, result)
    facts, pending, mismatched = connection.execute(queries["count_costs"], bounds).fetchone() or (0, 0, 0)
    result.facts += facts
    result.costs_pending += pending
    result.costs_mismatched += mismatched
    comparisons = [c for c in BY_SCOPE[result.request.scope] if _applies(c, window, retained)]
    hourly = [comparison for comparison in comparisons if comparison.grain == "hour"]
    if result.request.scope in ("rollups", "all"):
        _gather_hours(connection, bounds)
        _look_for_duplicates(connection, bounds, result)
    for part in _cut(window, timedelta(hours=1)) if facts > FACTS_AT_ONCE else [window]:
        _reconcile_part(connection, hourly, _bounds(part, result), result)
    for comparison in comparisons:
        if comparison.grain == "day":
            _compare(connection, comparison, bounds, result)
    for query in PRICED[result.request.scope]:
        _check_prices(connection, query, bounds, result)


def _gather_hours(connection: Connection, bounds: Mapping[str, Any]) -> None:
    connection.execute(queries["drop_gathered_hours"])
    connection.execute(queries["gather_hours"], bounds)
    connection.execute(queries["index_gathered_hours"])


def _reconcile_part(
    connection: Connection, comparisons: Sequence[Comparison], bounds: Mapping[str, Any], result: Reconciliation
) -> None:
    connection.execute(queries["drop_gathered"])
    if result.request.scope in ("rollups", "all"):
        connection.execute(queries["gather_facts"], bounds)
    for comparison in comparisons:
        _compare(connection, comparison, bounds, result)


def _bounds(window: Window, result: Reconciliation) -> dict[str, Any]:
    return {**bound_facts(window), "org_id": None, "tolerance": result.request.tolerance}


def _applies(comparison: Comparison, window: Window, retained: Mapping[str, datetime]) -> bool:
    """Whole days only for what is kept by day, and only as far back as every table of the comparison reaches."""
    is_whole = comparison.grain == "hour" or window.end - window.start == timedelta(days=1)
    return is_whole and all(retained.get(table, window.end) <= window.start for table in comparison.needs)


def _compare(connection: Connection, comparison: Comparison, bounds: Mapping[str, Any], result: Reconciliation) -> None:
    opened = set(connection.execute(queries[OPEN.get(comparison.name, f"open_{comparison.grain}s")], bounds).fetchall())
    buckets = find_buckets(connection, comparison, bounds)
    result.opened[comparison.name] += len(opened)
    result.compared[comparison.name] += sum(n for bucket, n in buckets.compared.items() if bucket not in opened)
    is_rollup = comparison.name not in OPEN
    for bucket, different in sorted(buckets.different.items()):
        if bucket in opened and comparison.name != "sources":
            continue
        result.different[comparison.name] += different
        if is_rollup:
            result.repairable[comparison.grain].add(bucket)
        if len(result.findings) < FINDINGS_KEPT:
            step = timedelta(hours=1) if comparison.grain == "hour" else timedelta(days=1)
            within = {**bounds, **bound_facts(Window(bucket[0], bucket[0] + step))}
            result.findings += iter_findings(connection, comparison, within, bucket)


def _check_prices(connection: Connection, query: str, bounds: Mapping[str, Any], result: Reconciliation) -> None:
    for bucket_start, org_id, key, expected, found in connection.execute(queries[query], bounds):
        result.different["cost"] += 1
        wanted = None if expected is None else int(expected)
        finding = Finding("cost", bucket_start, org_id, key, "cost_pico", "different", wanted, int(found))
        result.findings.append(finding)


def _look_for_duplicates(connection: Connection, bounds: Mapping[str, Any], result: Reconciliation) -> None:
    [copies] = connection.execute(queries["count_copies"], bounds).fetchone() or (0,)
    if not copies:
        return
    for org_id, event_id, count in connection.execute(queries["list_duplicates"], bounds):
        result.different["duplicates"] += 1
        key = {"event_id": str(event_id)}
        result.findings.append(Finding("duplicates", None, org_id, key, "facts", "extra", 1, count))


def _look_for_gaps(connection: Connection, result: Reconciliation) -> None:
    for gap in find_gaps(connection, result.request.window):
        result.different["gaps"] += 1
        key = {"source": gap.source, "first_seq": gap.first_seq, "last_seq": gap.last_seq}
        size = gap.last_seq - gap.first_seq + 1
        finding = Finding("gaps", None, None, key, "events", "missing", size, size - gap.missing)
        result.findings.append(finding)


def _record(connection: Connection, result: Reconciliation) -> None:
    from psycopg.types.json import Jsonb

    run = {
        "run_id": result.run_id,
        "started_at": result.started_at,
        "start": result.request.window.start,
        "end": result.request.window.end,
        "scope": result.request.scope,
        "tolerance": result.request.tolerance,
        "trigger": result.request.trigger,
        "compared": result.compared.total(),
        "open": result.opened.total(),
        "differences": result.differences,
        "verdict": result.verdict,
    }
    connection.execute(queries["insert_run"], run)
    rows = [
        {**asdict(finding), "key": Jsonb(finding.key), "finding_id": ids.new_id(), "run_id": result.run_id}
        for finding in result.findings[:FINDINGS_KEPT]
    ]
    with connection.cursor() as cursor:
        cursor.executemany(queries["insert_finding"], rows)


@contextmanager
def _one_snapshot(connection: Connection) -> Iterator[None]:
    from psycopg import IsolationLevel

    connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        with connection.transaction():
            yield
    finally:
        connection.set_isolation_level(None)


def _cut(window: Window, step: timedelta) -> Iterator[Window]:
    """The window cut at whole days or hours; the first and the last part may be shorter."""
    edges, edge = [window.start], day_of(window.start) + step
    while edge < window.end:
        if edge > window.start:
            edges.append(edge)
        edge += step
    for start, end in pairwise([*edges, window.end]):
        yield Window(start, end)


def _show(finding: Finding) -> dict[str, Any]:
    start = None if finding.bucket_start is None else clock.format_second(finding.bucket_start)
    org_id = None if finding.org_id is None else str(finding.org_id)
    return {**asdict(finding), "bucket_start": start, "org_id": org_id}

"""Proves that facts, hours and days say the same, key by key and to the unit, and that every cost follows its price."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core import clock, ids
from aias_core.database.queries import load_queries
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)
_FINDINGS_SHOWN = 100


@dataclass(slots=True)
class Reconciliation:
    """The verdict: keys compared, buckets still open, and each difference with both sides."""

    window: Window
    compared: int = 0
    open: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    facts: int = 0
    dead_letters_open: int = 0

    @property
    def differences(self) -> int:
        return len(self.findings)

    def as_record(self) -> dict[str, Any]:
        return {
            "window": {"from": clock.format_second(self.window.start), "to": clock.format_second(self.window.end)},
            "facts": self.facts,
            "compared": self.compared,
            "open": self.open,
            "differences": self.differences,
            "dead_letters_open": self.dead_letters_open,
            "findings": self.findings[:_FINDINGS_SHOWN],
        }


def run_reconciliation(connection: Connection, window: Window) -> Reconciliation:
    """Compares facts with hours, hours with days, and each billed cost with its price row, in one snapshot."""
    from psycopg import IsolationLevel

    result, started_at = Reconciliation(window), clock.now()
    bounds = {"start": window.start, "end": window.end}
    connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        with connection.transaction():
            for comparison in ("hours", "days"):
                _compare(connection, comparison, bounds, result)
            _check_costs(connection, bounds, result)
            result.facts = _count(connection, "count_facts", bounds)
            result.dead_letters_open = _count(connection, "count_open_dead_letters", bounds)
            record = {"run_id": ids.new_id(), "started_at": started_at, **bounds, **result.as_record()}
            connection.execute(_queries["insert_reconcile_run"], {**record, "findings": None, "window": None})
    finally:
        connection.set_isolation_level(None)
    return result


def _compare(connection: Connection, comparison: str, bounds: dict[str, Any], result: Reconciliation) -> None:
    for bucket_start, org_id, source, rollup, is_open in connection.execute(
        _queries[f"reconcile_{comparison}"], bounds
    ):
        if is_open:
            result.open += 1
            continue
        result.compared += 1
        if source != rollup:
            finding = {"bucket_start": clock.format_second(bucket_start), "org_id": str(org_id)}
            result.findings.append({"comparison": comparison, **finding, "expected": source, "found": rollup})


def _check_costs(connection: Connection, bounds: dict[str, Any], result: Reconciliation) -> None:
    for event_id, cost_pico, expected in connection.execute(_queries["check_costs"], bounds):
        amounts = {"expected": None if expected is None else int(expected), "found": cost_pico}
        result.findings.append({"comparison": "cost", "event_id": str(event_id), **amounts})


def _count(connection: Connection, query: str, bounds: dict[str, Any]) -> int:
    row = connection.execute(_queries[query], bounds).fetchone()
    return int(row[0]) if row else 0

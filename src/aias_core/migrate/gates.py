"""What must hold before a run changes anything. What stands in the way is named; some of it may be let pass by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.errors import Refused
from aias_core.migrate.approval import Subject, check_approvals
from aias_core.migrate.catalog.snapshot import read_fingerprint
from aias_core.migrate.expected import load_expected
from aias_core.migrate.history import MigrationStatus, fetch_value, list_used_approvals, queries
from aias_core.migrate.losses import count_losses
from aias_core.migrate.plan import Plan

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.migrate.consent import Consent
    from aias_core.migrate.target import Target

OLD_TRANSACTION_SECONDS = 300
LAG_SECONDS = 30
LARGE_RELATION_BYTES = 8 * 1024**2


class PlanRefused(Refused):
    """The plan may not run"""


def check_gates(connection: Connection, target: Target, plan: Plan, status: MigrationStatus, consent: Consent) -> None:
    """Raises PlanRefused for the first thing that stands in the way and was not let pass, or an approval error."""
    _check_identity(plan, status, consent)
    subject = Subject(consent.plan or plan.content, plan.risk, frozenset(plan.authors))
    check_approvals(subject, consent, list_used_approvals(connection, subject.content.sha256))
    for name, sentence in iter_obstacles(connection, target, plan, status):
        if name not in consent.overrides:
            raise PlanRefused(sentence, hint=f"where it may be so, let it pass with: --allow {name}")


def _check_identity(plan: Plan, status: MigrationStatus, consent: Consent) -> None:
    if consent.plan is not None and not consent.plan.covers(plan.content):
        raise PlanRefused(
            f"The plan of '{plan.database}' is not the one that was written: {plan.sha256[:12]} instead of "
            f"{consent.plan.sha256[:12]}",
            hint="write it anew with: aias db plan --out plan.json",
        )
    failed = {row.version: row for row in status.failed}
    for step in plan.steps:
        row = failed.get(step.migration.version)
        if step.direction == "up" and row is not None and row.checksum_up == step.migration.checksum_up:
            raise PlanRefused(
                f"'{row.name}' failed on '{plan.database}' and has not changed since",
                hint=f"correct the file, or try it again after: aias db repair {row.version} --mark pending",
            )


def iter_obstacles(
    connection: Connection, target: Target, plan: Plan, status: MigrationStatus
) -> Iterator[tuple[str, str]]:
    """What stands in the way now: the name under which it may be let pass, and a sentence."""
    if plan.direction == "up" and plan.risk == "destructive":
        yield "destructive", f"The plan of '{plan.database}' drops something or cannot be reverted"
    if plan.risk == "destructive" and (fault := target.find_backup_fault()):
        yield "backup", fault
    yield from _find_drift(connection, target, plan, status)
    yield from _find_old_transactions(connection, plan)
    yield from _find_lag(connection, plan)
    yield from _find_strong_scans(connection, plan)
    yield from _find_full_disk(connection, target, plan)
    downs = tuple(step for step in plan.steps if step.direction == "down")
    if losses := count_losses(connection, downs):
        yield "data-loss", f"Reverting '{plan.database}' would lose {', '.join(map(str, losses))}"


def _find_drift(
    connection: Connection, target: Target, plan: Plan, status: MigrationStatus
) -> Iterator[tuple[str, str]]:
    wanted = load_expected(target.files).get(status.version or "")
    if wanted is not None and not status.unfinished and read_fingerprint(connection) != wanted:
        yield "drift", f"The catalogue of '{plan.database}' is not what its applied files give; see: aias db diff"


def _find_old_transactions(connection: Connection, plan: Plan) -> Iterator[tuple[str, str]]:
    keys = {"relations": plan.relations, "seconds": OLD_TRANSACTION_SECONDS}
    for pid, user, age, relation in connection.execute(queries["list_old_transactions"], keys):
        yield "old-transaction", f"A transaction of pid {pid} ('{user}') has been using '{relation}' for {age} s"


def _find_lag(connection: Connection, plan: Plan) -> Iterator[tuple[str, str]]:
    for name, lag in connection.execute(queries["list_lagging_replicas"], {"seconds": LAG_SECONDS}):
        yield "replica-lag", f"The replica '{name}' of '{plan.database}' is {lag} s behind"


def _find_strong_scans(connection: Connection, plan: Plan) -> Iterator[tuple[str, str]]:
    strong = [
        (step.migration.name, planned.statement.line, lock.relation)
        for step in plan.steps
        for planned in step.statements
        if planned.work.lock_class == "strong_scan"
        for lock in planned.work.relations
    ]
    for name, line, relation in strong:
        row = connection.execute(queries["measure_relation"], {"relation": relation}).fetchone()
        if row and row[0] > LARGE_RELATION_BYTES:
            yield "blocking", f"'{name}' line {line} locks everybody out of '{relation}' while it reads {row[1]}"


def _find_full_disk(connection: Connection, target: Target, plan: Plan) -> Iterator[tuple[str, str]]:
    needed, free = measure_rewrites(connection, plan), find_free_bytes(target.data)
    if free is not None and needed > free:
        yield "disk", f"Rewriting '{plan.database}' needs {format_bytes(needed)} of disk, {format_bytes(free)} are free"


def measure_rewrites(connection: Connection, plan: Plan) -> int:
    """Bytes that the plan writes anew before it frees the old ones: its rewritten tables with their indexes."""
    rewritten = {
        lock.relation
        for step in plan.steps
        for planned in step.statements
        for lock in planned.work.relations
        if lock.rewrites
    }
    return int(fetch_value(connection, "measure_rewrites", relations=sorted(rewritten)))


def find_free_bytes(data: Path | None) -> int | None:
    """What the disk of a server on this machine has left; None where that is not known."""
    try:
        found = None if data is None else os.statvfs(data)
    except OSError:
        return None
    return None if found is None else found.f_bavail * found.f_frsize


def format_bytes(count: int) -> str:
    """A size for people, in the largest unit that leaves a whole part."""
    power = next((power for power in (3, 2, 1) if count >= 1024**power), 0)
    return f"{count / 1024**power:.1f} {('bytes', 'KiB', 'MiB', 'GiB')[power]}"

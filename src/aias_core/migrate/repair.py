"""Changing what the history says of one version, and nothing else: no statement of a migration is run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from aias_core import clock, ids
from aias_core.errors import Conflict, NotFound
from aias_core.migrate.approval import Subject, check_approvals
from aias_core.migrate.files import Migration, load_migrations
from aias_core.migrate.history import (
    CHAIN_START,
    HistoryRow,
    MigrationStatus,
    compare_history,
    ensure_engine,
    fetch_value,
    link,
    list_used_approvals,
    queries,
    read_history,
    write_history,
)
from aias_core.migrate.plan import PlanContent
from aias_core.migrate.runner import ReasonMissing, RunOptions
from aias_core.migrate.session import Progress, locked_session
from aias_core.migrate.target import Target

Mark = Literal["applied", "failed", "pending"]


@dataclass(frozen=True, slots=True)
class Repair:
    """What the history said of a version before and says after; `run_id` is also the id of its audit record."""

    database: str
    version: str
    before: str | None
    after: str
    run_id: str

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def build_repair(target: Target, version: str, mark: Mark) -> PlanContent:
    """What consent to a repair is given to. Raises NotFound for a version that no file has."""
    migration = _get_migration(load_migrations(target.files), version, target.database)
    step = (f"mark {mark}", migration.name, migration.checksum_up, migration.checksum_down)
    return PlanContent(target.database, "repair", version, (step,))


def repair(
    target: Target, version: str, mark: Mark, options: RunOptions, progress: Progress = lambda _: None
) -> Repair:
    """Marks one version. `pending` lets a failed file run again, from the statement at which it stopped.

    Raises ReasonMissing, NotFound, Conflict where the order of versions would break, Refused without consent.
    """
    if not options.reason:
        raise ReasonMissing("A repair needs a reason", hint="give it with: --reason TEXT")
    content = build_repair(target, version, mark)
    migrations = load_migrations(target.files)
    migration = _get_migration(migrations, version, target.database)
    with locked_session(target.database, target.dsn, options.lock_wait_seconds, progress) as session:
        connection, run_id = session.work, ids.new_id()
        ensure_engine(connection, target.database)
        history = read_history(connection)
        status = compare_history(target.database, history, migrations)
        used = list_used_approvals(connection, content.sha256)
        check_approvals(Subject(content, "destructive"), options.consent, used)
        before = next((row.status for row in history if row.version == version), None)
        with connection.transaction():
            connection.execute(queries["insert_run"], _describe(content, options, run_id))
            columns = _build_row(mark, migration, history, status, connection)
            write_history(connection, migration, run_id=run_id, **columns)
            ending = {"status": "succeeded", "error": None, "lock_retries": 0, "longest_stall_ms": 0}
            connection.execute(queries["finish_run"], {"run_id": run_id, **ending})
    return Repair(target.database, version, before, columns["status"], str(run_id))


def _get_migration(migrations: list[Migration], version: str, database: str) -> Migration:
    for migration in migrations:
        if migration.version == version:
            return migration
    raise NotFound(f"Database '{database}' has no migration '{version}'", hint="list them with: aias db status")


def _build_row(
    mark: Mark, migration: Migration, history: list[HistoryRow], status: MigrationStatus, connection: Any
) -> dict[str, Any]:
    version, now = migration.version, clock.now()
    others = [row for row in status.applied if row.version != version]
    row = next((row for row in history if row.version == version), None)
    if any(other.version > version for other in others):
        raise Conflict(f"'{migration.name}' is not the newest version", hint="only the newest may be marked")
    began = row.started_at if row else now
    if mark == "applied":
        if any(pending.version < version for pending in status.pending):
            raise Conflict(f"Versions before '{migration.name}' are pending", hint="apply them with: aias db migrate")
        chain = link(others[-1].chain if others else CHAIN_START, migration)
        return {"status": "applied", "chain": chain, "started_at": began, "finished_at": now}
    if mark == "failed":
        return {"status": "failed", "chain": "", "started_at": began}
    keys = {"version": version, "direction": "up", "since": began}
    has_begun = row is not None and row.status != "applied" and fetch_value(connection, "has_journal", **keys)
    return {"status": "running" if has_begun else "reverted", "chain": "", "started_at": began}


def _describe(content: PlanContent, options: RunOptions, run_id: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "direction": "repair",
        "from_version": content.from_version,
        "to_version": content.from_version,
        "plan_sha256": content.sha256,
        "actor": options.consent.actor,
        "reason": options.reason,
        "change_ref": options.change_ref,
        "approvals": json.dumps([approval.as_record() for approval in options.consent.approvals]),
        "overrides": [content.steps[0][0]],
    }

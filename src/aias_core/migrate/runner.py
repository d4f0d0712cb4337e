"""Applies and reverts migrations: under a lock, resumable at any statement, recorded before it is reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from aias_core import clock, ids
from aias_core.errors import AiasError, Partial, Refused
from aias_core.migrate.apply import Executor
from aias_core.migrate.consent import Consent
from aias_core.migrate.expected import load_expected
from aias_core.migrate.files import Migration, load_migrations
from aias_core.migrate.gates import check_gates
from aias_core.migrate.history import MigrationStatus, compare_history, ensure_engine, queries, read_history
from aias_core.migrate.plan import Direction, Plan, Reach, build_down_plan, build_up_plan
from aias_core.migrate.session import Session, locked_session
from aias_core.migrate.target import Target, read_status
from aias_core.migrate.telemetry import Signal, read_signals, send_signals
from aias_core.secret import redact

if TYPE_CHECKING:
    from aias_core.migrate.session import Progress

LONGEST_WINDOW_SECONDS = 600.0
_DOING = {"up": "Applying", "down": "Reverting"}


class WindowExceeded(Partial):
    """The window of the run passed before all files were begun"""


class ReasonMissing(Refused):
    """A rollback needs a reason"""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Who asks for a run, why, with whose consent, and how long it may wait and work.

    Only who makes `catalog.json` does without its check. `applied` hears of each file that was applied.
    """

    consent: Consent = field(default_factory=Consent)
    reason: str | None = None
    change_ref: str | None = None
    lock_wait_seconds: float = 0
    window_seconds: float = LONGEST_WINDOW_SECONDS
    checks_catalogue: bool = True
    applied: Callable[[Migration], None] | None = None


@dataclass(slots=True)
class MigrationRun:
    """What one run did to one database. A stall is what another session waited for us, sampled every 20 ms."""

    database: str
    run_id: UUID
    direction: Direction
    from_version: str | None
    plan_sha256: str
    versions: list[str] = field(default_factory=list)
    duration_ms: int = 0
    lock_retries: int = 0
    longest_stall_ms: int = 0

    def as_record(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


def _say_nothing(_: str) -> None:
    pass


def plan_migration(target: Target, to: str | None = None) -> Plan:
    """What `migrate` would do now. Raises NotFound for an unknown version."""
    return build_up_plan(read_status(target), to)


def plan_rollback(target: Target, reach: Reach) -> Plan:
    """What `rollback` would do now. Raises NotFound or InvalidInput for a version that cannot be reverted to."""
    return build_down_plan(read_status(target), load_migrations(target.files), reach)


def migrate(
    target: Target,
    options: RunOptions | None = None,
    *,
    to: str | None = None,
    progress: Progress = _say_nothing,
    status: MigrationStatus | None = None,
) -> MigrationRun:
    """Applies what is pending, oldest first; nothing pending is a run without versions, and takes no lock.

    `status` is where the database stood just now, if the caller has looked. Raises LockHeld naming the holder, Refused
    for what stands in the way, MigrationFailed for a statement's own fault, BlockedByOthers when locks were not to be
    had, WindowExceeded when the rest must wait for another run.
    """
    plan = build_up_plan(status or read_status(target), to)
    if not plan.steps:
        return MigrationRun(target.database, ids.new_id(), "up", plan.from_version, plan.sha256)
    return _Run(target, options or RunOptions(), progress).run(lambda status, _: build_up_plan(status, to))


def rollback(target: Target, reach: Reach, options: RunOptions, *, progress: Progress = _say_nothing) -> MigrationRun:
    """Reverts exactly what was asked, newest first. Raises as `migrate`, and ReasonMissing without a reason."""
    if not options.reason:
        raise ReasonMissing("A rollback needs a reason", hint="give it with: --reason TEXT")
    plan_rollback(target, reach)
    return _Run(target, options, progress).run(lambda status, files: build_down_plan(status, files, reach))


@dataclass(slots=True)
class _Run:
    target: Target
    options: RunOptions
    progress: Progress
    known_files: int = 0
    signals: list[Signal] = field(default_factory=list)

    def run(self, build: Callable[[MigrationStatus, list[Migration]], Plan]) -> MigrationRun:
        try:
            return self._run_under_lock(build)
        finally:
            send_signals(self.signals)

    def _run_under_lock(self, build: Callable[[MigrationStatus, list[Migration]], Plan]) -> MigrationRun:
        database, started = self.target.database, clock.monotonic()
        migrations = load_migrations(self.target.files)
        expected = load_expected(self.target.files) if self.options.checks_catalogue else {}
        wait, self.known_files = self.options.lock_wait_seconds, len(migrations)
        with locked_session(database, self.target.dsn, wait, self.progress) as session:
            ensure_engine(session.work, database)
            session.work.execute(queries["close_abandoned_runs"])
            status = compare_history(database, read_history(session.work), migrations)
            plan = build(status, migrations)
            run = MigrationRun(database, ids.new_id(), plan.direction, plan.from_version, plan.sha256)
            if plan.steps:
                chains = {row.version: row.chain for row in status.applied}
                executor = Executor(session, run.run_id, chains, expected, self.progress)
                with self._recording(session, plan, run, executor):
                    check_gates(session.work, self.target, plan, status, self.options.consent)
                    self._execute(executor, plan, run, started)
            run.duration_ms = round((clock.monotonic() - started) * 1000)
        return run

    def _execute(self, executor: Executor, plan: Plan, run: MigrationRun, started: float) -> None:
        with executor.session.watching():
            for step in plan.steps:
                if clock.monotonic() - started > self.options.window_seconds:
                    raise WindowExceeded(
                        f"The window of {self.options.window_seconds:g} s has passed before '{step.migration.name}'",
                        hint="run the same command again: it goes on from there",
                    )
                self.progress(f"{_DOING[step.direction]} {step.migration.name} in {plan.database}")
                executor.execute(step)
                run.versions.append(step.migration.version)
                if self.options.applied:
                    self.options.applied(step.migration)

    @contextmanager
    def _recording(self, session: Session, plan: Plan, run: MigrationRun, executor: Executor) -> Iterator[None]:
        """Writes the run down before it begins, and how it ended: also a refused, a failed and an interrupted one."""
        session.work.execute(queries["insert_run"], self._describe(plan, run))
        ending: dict[str, Any] = {"status": "partial", "error": "the run was interrupted"}
        try:
            yield
            ending = {"status": "succeeded", "error": None}
        except AiasError as error:
            ending = {"status": "partial" if isinstance(error, Partial) else "failed", "error": error.message}
            raise
        except psycopg.Error as exc:
            ending = {"status": "partial", "error": redact(str(exc).strip().split("\n", 1)[0])}
            raise
        finally:
            run.lock_retries, run.longest_stall_ms = executor.lock_retries, round(session.longest_stall_ms)
            figures = {"lock_retries": run.lock_retries, "longest_stall_ms": run.longest_stall_ms}
            with suppress(psycopg.Error):
                session.work.execute(queries["finish_run"], {"run_id": run.run_id, **figures, **ending})
                waits = executor.lock_waits
                self.signals = read_signals(session.work, plan.database, run.run_id, self.known_files, waits)

    def _describe(self, plan: Plan, run: MigrationRun) -> dict[str, Any]:
        consent = self.options.consent
        return {
            "run_id": run.run_id,
            "direction": plan.direction,
            "from_version": plan.from_version,
            "to_version": plan.to_version,
            "plan_sha256": (consent.plan or plan.content).sha256,
            "actor": consent.actor,
            "reason": self.options.reason,
            "change_ref": self.options.change_ref,
            "approvals": json.dumps([approval.as_record() for approval in consent.approvals]),
            "overrides": sorted(consent.overrides),
        }

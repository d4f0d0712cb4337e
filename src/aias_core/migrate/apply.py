"""Carries out one step: a transaction for a file that can be one, journaled statements for a file that cannot."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import psycopg

from aias_core import clock
from aias_core.errors import AiasError, TimedOut
from aias_core.migrate.catalog.snapshot import read_catalog
from aias_core.migrate.history import link, queries, write_history
from aias_core.migrate.leftovers import clear_leftovers
from aias_core.migrate.limits import Limits, limits_of
from aias_core.migrate.plan import PlannedStatement, Step
from aias_core.secret import redact

if TYPE_CHECKING:
    from aias_core.migrate.session import Session

RETRY_SECONDS = 300.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0


class StatementFailed(AiasError):
    """A statement of a migration failed"""


class BlockedByOthers(TimedOut):
    """Other sessions hold locks that a migration needs"""


class CatalogueUnexpected(AiasError):
    """The catalogue is not what it should be after a migration"""


class OthersWaited(Exception):
    """The watcher ended a statement because another session had waited for it long enough."""


@dataclass(slots=True)
class Executor:
    """Runs the steps of one run on one session."""

    session: Session
    run_id: UUID
    chain: str
    progress: Callable[[str], None]
    expected: dict[str, str] = field(default_factory=dict)
    retry_seconds: float = RETRY_SECONDS
    lock_retries: int = 0
    _limits: Limits | None = None

    def execute(self, step: Step, previous: str | None) -> None:
        """Applies or reverts one file; `previous` is the version before it. Safe to repeat after any failure."""
        deadline, pause = clock.monotonic() + self.retry_seconds, FIRST_PAUSE_SECONDS
        while True:
            self.session.check_lock()
            try:
                return self._attempt(step, previous)
            except (psycopg.errors.LockNotAvailable, OthersWaited) as exc:
                blockers = self._describe_blockers(step)
                sentence = f"'{step.migration.name}' waits for locks held by {blockers}"
                if isinstance(exc, OthersWaited):
                    sentence = f"'{step.migration.name}' was taken back, because others waited for it"
                if clock.monotonic() + pause > deadline:
                    raise BlockedByOthers(sentence, hint="end those sessions, or try when it is quiet") from exc
                self.progress(f"{sentence}; trying again in {pause:.1f} s")
            self.lock_retries += 1
            time.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _attempt(self, step: Step, previous: str | None) -> None:
        self._limits = None
        if not step.transactional:
            self._statement_by_statement(step, previous)
            return
        connection, started_at = self.session.work, clock.now()
        with self.session.guarding(), connection.transaction():
            connection.execute(queries["commit_lazily"])
            done = [self._run_statement(step, planned, local=True) for planned in step.statements]
            self._finish(step, previous, started_at)
            connection.cursor().executemany(queries["insert_statement"], done)

    def _statement_by_statement(self, step: Step, previous: str | None) -> None:
        connection, since = self.session.work, self._begin(step)
        keys = {"version": step.migration.version, "direction": step.direction, "since": since}
        rows = connection.execute(queries["list_journaled_statements"], keys).fetchall()
        journal = {(ordinal, sha256): finished for ordinal, sha256, finished in rows}
        for planned in step.statements:
            self.session.check_lock()
            state = journal.get((planned.statement.ordinal, planned.statement.sha256))
            if state:
                continue
            if planned.work.transactional:
                with self.session.guarding(), connection.transaction():
                    self._limits = None
                    connection.execute(queries["insert_statement"], self._run_statement(step, planned, local=True))
            else:
                self._run_alone(step, planned, was_started=state is not None)
        with connection.transaction():
            self._finish(step, previous, since)

    def _run_alone(self, step: Step, planned: PlannedStatement, *, was_started: bool) -> None:
        connection, started = self.session.work, self._build_record(step, planned, clock.now())
        if was_started and clear_leftovers(connection, planned.statement, self.progress):
            connection.execute(queries["insert_statement"], {**started, "finished_at": clock.now()})
            return
        connection.execute(queries["insert_statement"], started)
        self._limits = None
        connection.execute(queries["insert_statement"], self._run_statement(step, planned, local=False))

    def _begin(self, step: Step) -> datetime:
        """Marks a file as under way; one that already is keeps the time at which it began."""
        status = "running" if step.direction == "up" else "reverting"
        keys = {"version": step.migration.version, "status": status, "checksum_up": step.migration.checksum_up}
        row = self.session.work.execute(queries["find_beginning"], keys).fetchone()
        since: datetime = row[0] if row else clock.now()
        chain = self.chain if step.direction == "down" else ""
        write_history(
            self.session.work, step.migration, status=status, chain=chain, run_id=self.run_id, started_at=since
        )
        return since

    def _finish(self, step: Step, previous: str | None, started_at: datetime) -> None:
        up = step.direction == "up"
        after = step.migration.version if up else previous
        fingerprint = self._check_catalogue(step, self.expected.get(after)) if after in self.expected else None
        if up:
            self.chain = link(self.chain, step.migration)
        write_history(
            self.session.work,
            step.migration,
            status="applied" if up else "reverted",
            chain=self.chain,
            fingerprint_after=fingerprint,
            run_id=self.run_id,
            started_at=started_at,
            finished_at=clock.now(),
        )

    def _check_catalogue(self, step: Step, expected: str | None) -> str:
        found = read_catalog(self.session.work).fingerprint
        if found != expected:
            raise CatalogueUnexpected(
                f"After '{step.migration.name}' the catalogue of '{self.session.database}' is not the expected one",
                hint="show the differences with: aias db diff",
            )
        return found

    def _run_statement(self, step: Step, planned: PlannedStatement, *, local: bool) -> dict[str, Any]:
        connection, started_at = self.session.work, clock.now()
        self._set_limits(limits_of(step, planned), local=local)
        try:
            cursor = connection.execute(planned.statement.text.encode())
        except psycopg.errors.QueryCanceled as exc:
            if self.session.is_stalled():
                raise OthersWaited from exc
            self._fail(step, planned, exc, TimedOut)
        except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege):
            raise  # lock not available, connection lost, disk full, no right: not the statement's own fault
        except psycopg.Error as exc:
            self._fail(step, planned, exc, StatementFailed)
        if self.session.is_stalled():
            raise OthersWaited
        rows = cursor.rowcount if cursor.rowcount >= 0 else None
        return {**self._build_record(step, planned, started_at), "finished_at": clock.now(), "rows": rows}

    def _set_limits(self, limits: Limits, *, local: bool) -> None:
        if limits != self._limits:
            texts = {"lock_timeout": f"{limits.lock_ms}ms", "statement_timeout": f"{limits.statement_ms}ms"}
            self.session.work.execute(queries["set_limits"], {**texts, "local": local})
            self._limits = limits

    def _fail(self, step: Step, planned: PlannedStatement, exc: psycopg.Error, error: type[AiasError]) -> NoReturn:
        where = f"{step.migration.name}.{step.direction}.sql:{planned.statement.line}"
        reason = redact(str(exc).strip().split("\n", 1)[0])
        raise error(f"{where}: statement {planned.statement.ordinal} of '{self.session.database}': {reason}") from exc

    def _build_record(self, step: Step, planned: PlannedStatement, started_at: datetime) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "version": step.migration.version,
            "direction": step.direction,
            "ordinal": planned.statement.ordinal,
            "sha256": planned.statement.sha256,
            "lock_class": planned.work.lock_class,
            "lock_modes": sorted({f"{r.relation}: {r.mode}" for r in planned.work.relations}),
            "started_at": started_at,
            "finished_at": None,
            "rows": None,
        }

    def _describe_blockers(self, step: Step) -> str:
        relations = [r.relation for s in step.statements for r in s.work.relations]
        keys = {"relations": relations, "worker": self.session.work.info.backend_pid}
        rows = self.session.lock.execute(queries["list_blockers"], keys).fetchall()
        return "; ".join(f"pid {pid} of '{user}' on '{name}' for {age or 0} s" for pid, user, age, name in rows) or (
            "sessions that have just ended"
        )

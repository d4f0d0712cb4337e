"""Carries out one step: a transaction for a file that can be one, journaled statements for a file that cannot."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import psycopg
from psycopg import sql

from aias_core import clock
from aias_core.errors import AiasError, Conflict, TimedOut
from aias_core.migrate.catalog.snapshot import read_fingerprint
from aias_core.migrate.history import CHAIN_START, link, queries, write_history
from aias_core.migrate.leftovers import clear_leftovers
from aias_core.migrate.limits import Limits, limits_of
from aias_core.migrate.plan import PlannedStatement, Step
from aias_core.secret import redact

if TYPE_CHECKING:
    from aias_core.migrate.session import Session

RETRY_SECONDS = 300.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0


class MigrationFailed(AiasError):
    """A migration failed for a reason of its own"""


class BlockedByOthers(TimedOut):
    """Other sessions hold locks that a migration needs"""


class ExecutedStatementEdited(Conflict):
    """A statement that an earlier run executed is no longer in its file"""


class OthersWaited(Exception):
    """The watcher ended a statement because another session had waited for it long enough."""


@cache
def _format_limits(limits: Limits, *, lazily: bool) -> bytes:
    """The limits of an open transaction, to stand in front of a statement; `lazily` lets it commit before its flush."""
    text = sql.SQL(queries["limit_transaction"] + (queries["commit_lazily"] if lazily else ""))
    return text.format(**asdict(limits)).as_bytes()


@dataclass(slots=True)
class Executor:
    """Runs the steps of one run on one session.

    `chains` holds the link of each applied version, oldest first; `expected` the fingerprint after each version that
    has one.
    """

    session: Session
    run_id: UUID
    chains: dict[str, str]
    expected: Mapping[str, str]
    progress: Callable[[str], None]
    retry_seconds: float = RETRY_SECONDS
    lock_retries: int = 0
    lock_waits: list[float] = field(default_factory=list)
    _limits: Limits | None = None
    _failure: dict[str, Any] = field(default_factory=dict)

    def execute(self, step: Step) -> None:
        """Applies or reverts one file; safe to repeat after any failure.

        Raises MigrationFailed for a statement's own fault or an unexpected catalogue, BlockedByOthers, TimedOut.
        """
        try:
            self._repeat_until_unblocked(step)
        except MigrationFailed:
            self._record_failure(step)
            raise
        self._keep_link(step)

    def _repeat_until_unblocked(self, step: Step) -> None:
        deadline, pause = clock.monotonic() + self.retry_seconds, FIRST_PAUSE_SECONDS
        while True:
            self.session.check_lock()
            try:
                return self._attempt(step)
            except (psycopg.errors.LockNotAvailable, OthersWaited) as exc:
                sentence = self._describe_obstacle(step, exc)
                if clock.monotonic() + pause > deadline:
                    raise BlockedByOthers(sentence, hint="end those sessions, or try when it is quiet") from exc
                self.progress(f"{sentence}; trying again in {pause:.1f} s")
            self.lock_retries += 1
            time.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _attempt(self, step: Step) -> None:
        self._limits = None
        if not step.transactional:
            self._statement_by_statement(step)
            return
        connection, started_at = self.session.work, clock.now()
        with self.session.guarding(), connection.transaction():
            done = [self._run_limited(step, planned) for planned in step.statements]
            self._finish(step, started_at, done)

    def _statement_by_statement(self, step: Step) -> None:
        connection, since = self.session.work, self._begin(step)
        journal = self._read_journal(step, since)
        for planned in step.statements:
            self.session.check_lock()
            finished = journal.get(planned.statement.ordinal)
            if finished:
                continue
            if planned.work.transactional:
                with self.session.guarding(), connection.transaction():
                    self._limits = None
                    connection.execute(queries["insert_statement"], self._run_limited(step, planned))
            else:
                self._run_alone(step, planned, was_started=finished is not None)
        with connection.transaction():
            self._finish(step, since)

    def _read_journal(self, step: Step, since: datetime) -> dict[int, bool]:
        """Statements that earlier runs began, by ordinal, and whether they finished them."""
        keys = {"version": step.migration.version, "direction": step.direction, "since": since}
        rows = self.session.work.execute(queries["list_journaled_statements"], keys).fetchall()
        present = {planned.statement.ordinal: planned.statement.sha256 for planned in step.statements}
        for ordinal, sha256, finished in rows:
            if finished and present.get(ordinal) != sha256:
                raise ExecutedStatementEdited(
                    f"Statement {ordinal} of '{step.migration.name}' was executed on '{self.session.database}' and has "
                    "been edited since",
                    hint="restore it; correct only what comes after it",
                )
        return {ordinal: finished for ordinal, sha256, finished in rows if present.get(ordinal) == sha256}

    def _run_alone(self, step: Step, planned: PlannedStatement, *, was_started: bool) -> None:
        connection, started = self.session.work, self._build_record(step, planned, clock.now())
        if was_started and clear_leftovers(connection, planned.statement, self.progress):
            connection.execute(queries["insert_statement"], {**started, "finished_at": clock.now()})
            return
        connection.execute(queries["insert_statement"], started)
        connection.execute(queries["set_limits"], asdict(limits_of(step, planned)))
        connection.execute(queries["insert_statement"], self._run_statement(step, planned))

    def _begin(self, step: Step) -> datetime:
        """Marks a file as under way; one that already is keeps the time at which it began."""
        up = step.direction == "up"
        status = "running" if up else "reverting"
        keys = {"version": step.migration.version, "statuses": [status, "failed"]}
        row = self.session.work.execute(queries["find_beginning"], keys).fetchone()
        since: datetime = row[0] if row else clock.now()
        chain = "" if up else self.chains[step.migration.version]
        write_history(
            self.session.work, step.migration, status=status, chain=chain, run_id=self.run_id, started_at=since
        )
        return since

    def _finish(self, step: Step, started_at: datetime, done: Sequence[Mapping[str, Any]] = ()) -> None:
        up = step.direction == "up"
        previous = self._previous(step)
        fingerprint = self._check_catalogue(step, step.migration.version if up else previous)
        write_history(
            self.session.work,
            step.migration,
            done,
            status="applied" if up else "reverted",
            chain=self._link(step),
            fingerprint_after=fingerprint,
            run_id=self.run_id,
            started_at=started_at,
            finished_at=clock.now(),
        )

    def _check_catalogue(self, step: Step, version: str | None) -> str | None:
        wanted = self.expected.get(version or "")
        if wanted is None:
            return None
        if read_fingerprint(self.session.work) != wanted:
            raise MigrationFailed(
                f"After '{step.migration.name}' the catalogue of '{self.session.database}' is not the expected one",
                hint="see what the files should give with: aias db rehearse",
            )
        return wanted

    def _previous(self, step: Step) -> str | None:
        versions = [version for version in self.chains if version < step.migration.version]
        return versions[-1] if versions else None

    def _link(self, step: Step) -> str:
        if step.direction == "down":
            return self.chains[step.migration.version]
        previous = self._previous(step)
        return link(CHAIN_START if previous is None else self.chains[previous], step.migration)

    def _keep_link(self, step: Step) -> None:
        if step.direction == "up":
            self.chains[step.migration.version] = self._link(step)
        else:
            del self.chains[step.migration.version]

    def _run_limited(self, step: Step, planned: PlannedStatement) -> dict[str, Any]:
        """Runs a statement in the open transaction; new limits go in front of it, so that they cost no journey."""
        limits, before = limits_of(step, planned), b""
        if limits != self._limits:
            before, self._limits = _format_limits(limits, lazily=step.transactional), limits
        return self._run_statement(step, planned, before)

    def _run_statement(self, step: Step, planned: PlannedStatement, before: bytes = b"") -> dict[str, Any]:
        connection, record = self.session.work, self._build_record(step, planned, clock.now())
        try:
            cursor = connection.execute(before + planned.statement.text.encode(), prepare=False)
            while cursor.nextset():  # what the statement gave comes last
                pass
        except psycopg.errors.QueryCanceled as exc:
            if self.session.is_stalled():
                raise OthersWaited from exc
            self._fail(planned, record, exc, TimedOut)
        except psycopg.errors.LockNotAvailable:
            self.session.note_lock_wait(limits_of(step, planned).lock_ms)
            raise
        except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege):
            raise  # connection lost, disk full, no right: not the statement's own fault
        except psycopg.Error as exc:
            self._fail(planned, record, exc, MigrationFailed)
        finally:
            if waited := self.session.take_lock_wait():
                self.lock_waits.append(waited)
        if self.session.is_stalled():
            raise OthersWaited
        return {**record, "finished_at": clock.now(), "rows": cursor.rowcount if cursor.rowcount >= 0 else None}

    def _fail(
        self, planned: PlannedStatement, record: dict[str, Any], exc: psycopg.Error, error: type[AiasError]
    ) -> NoReturn:
        reason = redact(str(exc).strip().split("\n", 1)[0])
        self._failure = {**record, "error": reason}
        raise error(f"{planned.statement.place}: {reason} (in '{self.session.database}')") from exc

    def _record_failure(self, step: Step) -> None:
        """Marks an up file as failed, bound to its checksum; what a reverted transaction left is still applied."""
        connection, now = self.session.work, clock.now()
        if self._failure:
            connection.execute(queries["insert_statement"], self._failure)
        if step.direction == "up":
            keys = {"version": step.migration.version, "statuses": ["running", "failed"]}
            row = connection.execute(queries["find_beginning"], keys).fetchone()
            since = row[0] if row else now
            write_history(connection, step.migration, status="failed", chain="", run_id=self.run_id, started_at=since)

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
            "error": None,
        }

    def _describe_obstacle(self, step: Step, exc: Exception) -> str:
        if isinstance(exc, OthersWaited):
            return f"'{step.migration.name}' was taken back, because others waited for it"
        relations = [r.relation for s in step.statements for r in s.work.relations]
        keys = {"relations": relations, "worker": self.session.work.info.backend_pid}
        rows = self.session.lock.execute(queries["list_blockers"], keys).fetchall()
        who = [f"pid {pid} of '{user}' on '{name}' for {age or 0} s" for pid, user, age, name in rows]
        return f"'{step.migration.name}' waits for locks held by {'; '.join(who) or 'sessions that have just ended'}"

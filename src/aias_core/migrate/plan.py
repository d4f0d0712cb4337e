"""What a run will do, file by file and statement by statement; its hash is what gets approved."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from aias_core.errors import InvalidInput, NotFound
from aias_core.migrate.files import Migration
from aias_core.migrate.history import MigrationStatus
from aias_core.migrate.locks import Work, classify_statement
from aias_core.migrate.statements import Directives, Statement, list_created, parse_directives, split_statements

Direction = Literal["up", "down"]
RISKS = ("safe", "locking", "destructive")


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    """One statement and what it does to others while it runs."""

    statement: Statement
    work: Work

    def as_record(self) -> dict[str, Any]:
        return {
            "ordinal": self.statement.ordinal,
            "line": self.statement.line,
            "statement": " ".join(self.statement.text.split())[:120],
            "sha256": self.statement.sha256,
            "lock_class": self.work.lock_class,
            "risk": self.work.risk,
            "relations": [
                {"relation": r.relation, "mode": r.mode, "rewrites": r.rewrites, "scans": r.scans}
                for r in self.work.relations
            ],
        }


@dataclass(frozen=True)
class Step:
    """One file in one direction."""

    migration: Migration
    direction: Direction
    directives: Directives
    statements: tuple[PlannedStatement, ...]

    @property
    def transactional(self) -> bool:
        return self.directives.transaction == "required"

    @property
    def risk(self) -> str:
        risks = [s.work.risk for s in self.statements]
        if self.direction == "up" and self.directives.down == "none":
            risks.append("destructive")
        return max(risks, key=RISKS.index, default="safe")

    def as_record(self) -> dict[str, Any]:
        return {
            "version": self.migration.version,
            "slug": self.migration.slug,
            "direction": self.direction,
            "risk": self.risk,
            "transaction": self.directives.transaction,
            "phase": self.directives.phase,
            "risk_note": self.directives.risk,
            "author": self.directives.author,
            "checksum_up": self.migration.checksum_up,
            "checksum_down": self.migration.checksum_down,
            "statements": [s.as_record() for s in self.statements],
        }


@dataclass(frozen=True)
class Plan:
    """The steps of one run on one database."""

    database: str
    direction: Direction
    from_version: str | None
    steps: tuple[Step, ...]

    @property
    def to_version(self) -> str | None:
        if self.direction == "up" and self.steps:
            return self.steps[-1].migration.version
        return self.from_version

    @property
    def risk(self) -> str:
        return max((step.risk for step in self.steps), key=RISKS.index, default="safe")

    @property
    def authors(self) -> set[str]:
        return {step.directives.author for step in self.steps if step.directives.author}

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over what will be executed and where it starts; equal plans are equal work."""
        content = {
            "database": self.database,
            "direction": self.direction,
            "from": self.from_version,
            "steps": [[s.migration.name, s.migration.checksum_up, s.migration.checksum_down] for s in self.steps],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_record(self) -> dict[str, Any]:
        return {
            "database": self.database,
            "direction": self.direction,
            "from_version": self.from_version,
            "to_version": self.to_version,
            "risk": self.risk,
            "sha256": self.sha256,
            "steps": [step.as_record() for step in self.steps],
        }


def build_up_plan(status: MigrationStatus, to: str | None = None) -> Plan:
    """All pending files, or those up to a version. Raises NotFound for a version that no file has."""
    pending = status.pending
    if to is not None:
        known = {row.version for row in status.applied} | {migration.version for migration in pending}
        if to not in known:
            raise NotFound(
                f"Database '{status.database}' has no migration '{to}'", hint="list them with: aias db status"
            )
        pending = [migration for migration in pending if migration.version <= to]
    return Plan(status.database, "up", status.version, tuple(build_step(m, "up") for m in pending))


def build_down_plan(
    status: MigrationStatus,
    migrations: list[Migration],
    *,
    to: str | None = None,
    steps: int | None = None,
    only: str | None = None,
) -> Plan:
    """What a rollback reverts, newest first; exactly one of the three says how far.

    Raises NotFound for a version that is not applied, InvalidInput for one that is not the newest or has no way back.
    """
    if [to, steps, only].count(None) != 2:
        raise InvalidInput("Say how far to go back", hint="with one of: --to VERSION, --steps N, --only VERSION")
    versions = _versions_to_revert([row.version for row in status.applied], status.database, to, steps, only)
    by_version = {migration.version: migration for migration in migrations}
    plan = tuple(build_step(by_version[version], "down") for version in versions)
    for step in plan:
        if parse_directives(step.migration.up.decode(), step.migration.name).down == "none":
            raise InvalidInput(f"'{step.migration.name}' declares that it cannot be reverted")
    return Plan(status.database, "down", status.version, plan)


def _versions_to_revert(
    applied: list[str], database: str, to: str | None, steps: int | None, only: str | None
) -> list[str]:
    named = to or only
    if named is not None and named not in applied:
        raise NotFound(f"'{named}' is not applied to '{database}'", hint="list what is with: aias db status")
    if only is not None:
        if only != applied[-1]:
            raise InvalidInput(f"'{only}' is not the newest version of '{database}'; that is '{applied[-1]}'")
        return [only]
    if steps is not None:
        if not 1 <= steps <= len(applied):
            raise NotFound(f"Database '{database}' has {len(applied)} applied migrations, not {steps}")
        return applied[: -steps - 1 : -1]
    return [version for version in reversed(applied) if to is not None and version > to]


def build_step(migration: Migration, direction: Direction) -> Step:
    """One file cut into statements, each with the locks it takes."""
    text = (migration.up if direction == "up" else migration.down).decode()
    name = f"{migration.name}.{direction}.sql"
    statements = split_statements(text, name)
    created: set[str] = set()
    planned = []
    for statement in statements:
        work = classify_statement(statement, frozenset(created))
        created |= list_created(statement)
        planned.append(PlannedStatement(statement, work))
    return Step(migration, direction, parse_directives(text, name), tuple(planned))

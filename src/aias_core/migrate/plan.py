"""What a run will do, file by file and statement by statement; its hash is what gets approved."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from aias_core.errors import InvalidInput, NotFound, Partial
from aias_core.migrate.bodies import list_executed
from aias_core.migrate.files import Migration
from aias_core.migrate.history import MigrationStatus
from aias_core.migrate.locks import Work, classify_statement
from aias_core.migrate.outline import Outline
from aias_core.migrate.statements import Directives, Statement, parse_directives, split_statements
from aias_core.migrate.walk import follow

Direction = Literal["up", "down"]
RISKS = ("safe", "locking", "destructive")


@dataclass(frozen=True, slots=True)
class PlanContent:
    """What consent is given to: where a run starts, and each file's direction, name and checksums in order."""

    database: str
    direction: Direction | Literal["repair", "erase"]
    from_version: str | None
    steps: tuple[tuple[str, str, str, str], ...]

    @property
    def sha256(self) -> str:
        """SHA-256 over the content as JSON; equal hashes are equal work."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_record(self) -> dict[str, Any]:
        """The content in the form in which `read_plans` finds it again."""
        names = ("direction", "version", "slug", "checksum_up", "checksum_down")
        steps = [
            dict(zip(names, (way, *name.split("_", 1), up, down), strict=True)) for way, name, up, down in self.steps
        ]
        return {**asdict(self), "sha256": self.sha256, "steps": steps}

    def covers(self, other: PlanContent) -> bool:
        """Whether the other is this plan, or what is left of it after a run that did not come to its end."""
        if self == other:
            return True
        done = len(self.steps) - len(other.steps)
        if (self.database, self.direction) != (other.database, other.direction) or done < 1 or not other.steps:
            return False
        reached = self.steps[done - 1] if self.direction == "up" else self.steps[done]
        return self.steps[done:] == other.steps and reached[1].partition("_")[0] == other.from_version


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

    @property
    def relations(self) -> list[str]:
        """The relations that were there before and that some statement locks."""
        return sorted({lock.relation for step in self.steps for s in step.statements for lock in s.work.relations})

    @cached_property
    def content(self) -> PlanContent:
        files = ((step.direction, step.migration) for step in self.steps)
        steps = tuple((direction, file.name, file.checksum_up, file.checksum_down) for direction, file in files)
        return PlanContent(self.database, self.direction, self.from_version, steps)

    @property
    def sha256(self) -> str:
        return self.content.sha256

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


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a rollback goes: back to a version, so many versions, or the newest one by name. Exactly one is given."""

    to: str | None = None
    steps: int | None = None
    only: str | None = None

    def __post_init__(self) -> None:
        if [self.to, self.steps, self.only].count(None) != 2:
            raise InvalidInput("Say how far to go back", hint="with one of: --to VERSION, --steps N, --only VERSION")


def build_up_plan(status: MigrationStatus, to: str | None = None) -> Plan:
    """All pending files, or those up to a version, after what an unfinished rollback has left to revert.

    Raises NotFound for a version that no file has.
    """
    reverting = [build_step(migration, "down") for migration in status.reverting]
    pending = [*status.reverting, *status.pending]
    if to is not None:
        known = {row.version for row in status.applied} | {migration.version for migration in pending}
        if to not in known:
            raise NotFound(
                f"Database '{status.database}' has no migration '{to}'", hint="list them with: aias db status"
            )
        pending = [migration for migration in pending if migration.version <= to]
    steps = (*reverting, *(build_step(migration, "up") for migration in pending))
    return Plan(status.database, "up", status.version, steps)


def build_down_plan(status: MigrationStatus, migrations: list[Migration], reach: Reach) -> Plan:
    """What a rollback reverts, newest first.

    Raises NotFound for a version that is not applied, InvalidInput for one that is not the newest or has no way back,
    Partial while a version is half applied.
    """
    if half := [row.name for row in status.unfinished if row.status == "running"]:
        raise Partial(f"'{half[0]}' is half applied to '{status.database}'", hint="finish it with: aias db migrate")
    versions = _versions_to_revert([row.version for row in status.applied], status.database, reach)
    by_version = {migration.version: migration for migration in migrations}
    plan = tuple(build_step(by_version[version], "down") for version in versions)
    for step in plan:
        if parse_directives(step.migration.up.decode(), step.migration.name).down == "none":
            raise InvalidInput(f"'{step.migration.name}' declares that it cannot be reverted")
    return Plan(status.database, "down", status.version, plan)


def _versions_to_revert(applied: list[str], database: str, reach: Reach) -> list[str]:
    to, steps, only = reach.to, reach.steps, reach.only
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


def read_plans(path: Path) -> tuple[str, dict[str, PlanContent]]:
    """The environment and the plans, by database, of a file that `aias db plan --out` wrote.

    Raises InvalidInput for an altered one.
    """
    try:
        document = json.loads(path.read_bytes())
        environment = str(document["environment"])
        written = {item["database"]: (_read_content(item), item["sha256"]) for item in document["plans"]}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InvalidInput(f"'{path}' is not a plan", hint="write one with: aias db plan --out plan.json") from exc
    for content, sha256 in written.values():
        if content.sha256 != sha256:
            raise InvalidInput(f"The plan '{path}' was altered: its hash is not that of its content")
    return environment, {database: content for database, (content, _) in written.items()}


def _read_content(item: dict[str, Any]) -> PlanContent:
    steps = (
        (step["direction"], f"{step['version']}_{step['slug']}", step["checksum_up"], step["checksum_down"])
        for step in item["steps"]
    )
    return PlanContent(item["database"], item["direction"], item["from_version"], tuple(steps))


@cache
def build_step(migration: Migration, direction: Direction) -> Step:
    """One file cut into statements, each with the locks it takes."""
    text = (migration.up if direction == "up" else migration.down).decode()
    name = f"{migration.name}.{direction}.sql"
    directives = parse_directives(text, name)
    outline = Outline()
    planned = []
    for statement in split_statements(text, name):
        work = classify_statement(statement, outline)
        _check_transaction(statement, work, directives)
        for inner in list_executed(statement):
            follow(outline, inner.node)
        planned.append(PlannedStatement(statement, work))
    return Step(migration, direction, directives, tuple(planned))


def _check_transaction(statement: Statement, work: Work, directives: Directives) -> None:
    if type(statement.node).__name__ == "TransactionStmt":
        raise InvalidInput(f"{statement.place}: transactions are the runner's business", hint="remove the statement")
    if directives.transaction == "required" and not work.transactional:
        raise InvalidInput(
            f"{statement.place}: the statement cannot run in a transaction",
            hint="begin the file with: -- aias: transaction = none",
        )

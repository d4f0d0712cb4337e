"""A plan executed on a scratch server: up, down, up again, with what each statement locked and how long it took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from aias_core import clock
from aias_core.database.connection import connect
from aias_core.database.scratch import scratch_server
from aias_core.errors import DifferenceFound, ObjectiveMissed
from aias_core.migrate.apply import MigrationFailed
from aias_core.migrate.catalog.difference import compare_catalogs
from aias_core.migrate.catalog.repair import build_statements
from aias_core.migrate.catalog.snapshot import Catalog, read_catalog
from aias_core.migrate.files import load_migrations
from aias_core.migrate.history import MigrationStatus, compare_history, queries
from aias_core.migrate.plan import PlannedStatement, Step, build_step, build_up_plan
from aias_core.migrate.rows import TableRows, generate_rows, read_rows, read_table, sample_rows
from aias_core.migrate.statistics import copy_statistics, estimate_rows
from aias_core.migrate.target import Target, read_status
from aias_core.secret import redact

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class MeasuredStatement:
    """What one statement did: milliseconds, locks on relations that were there before it, tables it wrote anew.

    `rows` is how many the target's statistics expect in the relations that the statement locks.
    """

    file: str
    line: int
    milliseconds: float
    rows: int
    locks: list[str]
    rewrote: list[str]


@dataclass(frozen=True, slots=True)
class RehearsedVersion:
    """One version: its times, whether down is the exact inverse of up, and tables whose rows either of them changed."""

    version: str
    slug: str
    up_ms: float
    down_ms: float | None
    differences: list[str]
    changed_rows: list[str]
    statements: list[MeasuredStatement]

    @property
    def is_proven(self) -> bool:
        return not (self.differences or self.changed_rows)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The versions of a plan, and how many rows each table held meanwhile: none could be made for one that says 0."""

    database: str
    base: str | None
    rows: dict[str, int]
    versions: list[RehearsedVersion]

    def as_record(self) -> dict[str, Any]:
        proven = {version.version: version.is_proven for version in self.versions}
        record = asdict(self)
        record["versions"] = [{**item, "proven": proven[item["version"]]} for item in record["versions"]]
        return record


@dataclass(frozen=True, slots=True)
class RehearsalOptions:
    """How far, from what, and with how many rows in each table: generated ones, or some of the target's."""

    to: str | None = None
    from_empty: bool = False
    rows: int = 20
    sample: bool = False


def rehearse(target: Target, options: RehearsalOptions, progress: Callable[[str], None] = lambda _: None) -> Rehearsal:
    """Executes what `migrate` would, on a scratch server with the target's schema; ends at a down that is no inverse.

    Raises MigrationFailed naming file and line of a statement that fails there.
    """
    status = _read_empty(target) if options.from_empty else read_status(target)
    steps = build_up_plan(status, options.to).steps
    if not steps:
        progress(f"Nothing is pending in {target.database}")
        return Rehearsal(target.database, status.version, {}, [])
    base = Catalog(()) if options.from_empty else _read_live(target)
    with scratch_server() as server, connect(server.dsn(server.create_database()), autocommit=True) as scratch:
        _make(scratch, base)
        rows = _fill(scratch, base, target, options)
        expected = {} if options.from_empty else _copy_statistics(scratch, base, target)
        versions, before = [], read_catalog(scratch)
        for step in steps:
            progress(f"Rehearsing {step.migration.name} of {target.database}")
            version, after = _rehearse_version(scratch, step, before, expected)
            versions.append(version)
            if version.differences:
                break
            new = [table for table in after.list_kind("table") if table.name not in rows]
            rows |= generate_rows(scratch, after, options.rows, only=[table.name for table in new])
            # A partitioned table may have got a partition for its rows.
            before = read_catalog(scratch) if any(table.facts.get("partition_key") for table in new) else after
    return Rehearsal(target.database, status.version, rows, versions)


def _read_empty(target: Target) -> MigrationStatus:
    return compare_history(target.database, [], load_migrations(target.files))


def _read_live(target: Target) -> Catalog:
    with connect(target.dsn, f"database '{target.database}'") as live:
        return read_catalog(live)


def _make(scratch: Connection, base: Catalog) -> None:
    """Makes the target's schema; for that alone the owner may hand objects to other roles."""
    scratch.execute("ALTER ROLE aias_owner SUPERUSER")
    scratch.execute(queries["act_as_owner"])
    for statement in build_statements(base, Catalog(())):
        scratch.execute(statement.encode())
    scratch.execute("RESET ROLE")
    scratch.execute("ALTER ROLE aias_owner NOSUPERUSER")


def _fill(scratch: Connection, catalog: Catalog, target: Target, options: RehearsalOptions) -> dict[str, int]:
    if not options.sample:
        return generate_rows(scratch, catalog, options.rows)
    with connect(target.dsn, f"database '{target.database}'") as live:
        live.execute(queries["act_as_owner"])
        return sample_rows(live, scratch, catalog, options.rows)


def _copy_statistics(scratch: Connection, base: Catalog, target: Target) -> dict[str, int]:
    with connect(target.dsn, f"database '{target.database}'") as live:
        live.execute(queries["act_as_owner"])
        copy_statistics(live, scratch)
    found = estimate_rows(scratch, [item.name for kind in ("table", "view") for item in base.list_kind(kind)])
    return {name.removeprefix("public."): count for name, count in found.items()}


def _rehearse_version(
    scratch: Connection, step: Step, before: Catalog, expected: Mapping[str, int]
) -> tuple[RehearsedVersion, Catalog]:
    """How one version did, and the schema that it leaves."""
    rows = read_rows(scratch, before)
    statements: list[MeasuredStatement] = []
    up_ms = _execute(scratch, step, lambda: statements.extend(_iter_measured(scratch, step, expected)))
    left = after = read_catalog(scratch)
    faults, changed, down_ms = [], [], None
    if step.directives.down != "none":
        down_ms = _execute(scratch, build_step(step.migration, "down"))
        reverted = read_catalog(scratch)
        faults += [f"{d.change} after down: {d.kind} {d.name}" for d in compare_catalogs(before, reverted)]
        if step.directives.down == "exact":
            changed += _list_changed(scratch, rows, reverted)
    if down_ms is not None and not faults:
        _execute(scratch, step)
        left = read_catalog(scratch)
        faults += [f"{d.change} after the second up: {d.kind} {d.name}" for d in compare_catalogs(after, left)]
    migration = step.migration
    return RehearsedVersion(migration.version, migration.slug, up_ms, down_ms, faults, changed, statements), left


def _list_changed(scratch: Connection, rows: Mapping[str, TableRows], catalog: Catalog) -> list[str]:
    there = {table.name for table in catalog.list_kind("table")}
    return [
        f"{name}: {was.count} rows before, {now.count} of them or others after"
        for name, was in rows.items()
        if name in there and (now := read_table(scratch, name, was.columns)) != was
    ]


def _execute(scratch: Connection, step: Step, run: Callable[[], None] | None = None) -> float:
    """Runs a step, by `run` where that measures it, and returns the milliseconds that it took."""
    scratch.execute(queries["act_as_owner"])
    whole: AbstractContextManager[Any] = scratch.transaction() if step.transactional else nullcontext()
    started = clock.monotonic()
    with whole:
        if run:
            run()
        else:
            for planned in step.statements:
                _run(scratch, planned)
    taken = clock.monotonic() - started
    scratch.execute("RESET ROLE")
    return round(taken * 1000, 1)


def _iter_measured(scratch: Connection, step: Step, expected: Mapping[str, int]) -> Iterator[MeasuredStatement]:
    files = _list_files(scratch)
    relations = list(files)
    held: set[str] = set()
    for planned in step.statements:
        started = clock.monotonic()
        _run(scratch, planned)
        taken = clock.monotonic() - started
        locks = _read_locks(scratch, relations) if step.transactional else _planned_locks(planned)
        now = _list_files(scratch)
        rewrote = sorted(name for name in files if name in now and now[name] != files[name])
        place = planned.statement
        rows = sum(expected.get(lock.relation, 0) for lock in planned.work.relations)
        yield MeasuredStatement(place.file, place.line, round(taken * 1000, 1), rows, sorted(locks - held), rewrote)
        held |= locks
        files = now


def _list_files(scratch: Connection) -> dict[str, int]:
    return dict(scratch.execute(queries["list_files"]).fetchall())


def _run(scratch: Connection, planned: PlannedStatement) -> None:
    try:
        scratch.execute(planned.statement.text.encode())
    except psycopg.Error as exc:
        reason = redact(str(exc).strip().split("\n", 1)[0])
        raise MigrationFailed(f"{planned.statement.place}: {reason} (in the rehearsal)") from exc


def _read_locks(scratch: Connection, relations: list[str]) -> set[str]:
    rows = scratch.execute(queries["list_own_locks"], {"relations": relations})
    return {f"{mode} on {relation}" for relation, mode in rows if mode != "AccessShareLock"}


def _planned_locks(planned: PlannedStatement) -> set[str]:
    return {f"{lock.mode} on {lock.relation}" for lock in planned.work.relations}


def rehearse_all(
    targets: Iterable[Target], options: RehearsalOptions, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The record of a rehearsal of each database."""
    return [rehearse(target, options, progress).as_record() for target in targets]


def check_rehearsals(records: Iterable[Mapping[str, Any]], longest_rollback_seconds: float) -> None:
    """Raises DifferenceFound for a version that is not proven, ObjectiveMissed for a down that takes too long."""
    versions = [(record["database"], version) for record in records for version in record["versions"]]
    for database, version in versions:
        if not version["proven"]:
            fault = (version["differences"] + version["changed_rows"])[0]
            raise DifferenceFound(f"Down of '{version['version']}' does not undo up in '{database}': {fault}")
    for database, version in versions:
        if (version["down_ms"] or 0) > longest_rollback_seconds * 1000:
            raise ObjectiveMissed(
                f"Reverting '{version['version']}' of '{database}' takes {version['down_ms'] / 1000:.1f} s",
                hint="allow more with: --max-rollback SECONDS",
            )

"""Puts a package into the databases of an environment, and takes it out again; both as often as one likes.

Each database has one transaction, so that a killed run leaves all of a package or nothing of it there, and the run that
follows does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aias_core import clock, ids
from aias_core.accounts import own_name
from aias_core.audit.chain import AuditRecord, append_record
from aias_core.database.connection import connect
from aias_core.errors import PrerequisiteMissing, Refused
from aias_core.migrate.target import Target, has_work
from aias_core.protection.data_keys import DataKeys, register_active_keys
from aias_core.seeds.history import (
    History,
    UsageDiffers,
    choose_end,
    load_history,
    queries,
    remove_dimensions,
    remove_history,
)
from aias_core.seeds.package import NEVER, Figures, Package, check_environment, load_package
from aias_core.seeds.rows import Secrets, build_tables, list_rows
from aias_core.seeds.secrets import Credential, Shelf, find_credentials, forget_credentials
from aias_core.seeds.upsert import Outcome, apply_tables, remove_tables

if TYPE_CHECKING:
    from psycopg import Connection

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """Where a package goes: both databases as the migrator, the keys of personal data, and the place for secrets."""

    environment: str
    operational: Target
    analytics: Target
    keys: DataKeys
    shelf: Shelf


@dataclass(slots=True)
class SeedRun:
    """What a run did, by table."""

    package: str
    environment: str
    anchored_at: datetime
    tables: list[dict[str, Any]] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)

    def add(self, database: str, outcomes: list[Outcome]) -> None:
        self.tables += [{"database": database, **outcome.as_record()} for outcome in outcomes]

    def as_record(self) -> dict[str, Any]:
        anchor = clock.format_second(self.anchored_at)
        return {"package": self.package, "environment": self.environment, "anchored_at": anchor, "tables": self.tables}

    def list_credentials(self) -> list[dict[str, str]]:
        """The secrets in clear: only for whoever asked to see them."""
        return [
            {"name": c.name, "for": c.who, "secret": c.secret.reveal(), "variable": c.variable}
            for c in self.credentials
        ]


def seed(site: Site, name: str, asked: dict[str, int], progress: Progress) -> SeedRun:
    """Makes the rows of a package what they should be. The second run finds everything unchanged.

    Raises Refused in environments where it is not allowed, PrerequisiteMissing while migrations are pending, WrongKey,
    NotOfThePackage for a name that is taken, UsageDiffers when the usage that is there is another.
    """
    package = load_package(name, asked)
    check_environment(package, site.environment)
    _require_migrations(site)
    secrets = Secrets(site.keys, find_credentials(package, site.environment, site.shelf), site.environment)
    with _open(site) as (operational, analytics):
        with _transaction(operational):
            _refuse_real(operational)
            register_active_keys(operational, site.keys)
            end = _find_end(operational, package)
            run = SeedRun(name, site.environment, end, credentials=list(secrets.credentials.values()))
            run.add("operational", apply_tables(operational, build_tables(operational, package, secrets)))
            _record(operational, package, "operational", run)
        if package.usage is not None:
            with _transaction(analytics):
                _sync_dimensions(operational, analytics)
                run.add("analytics", load_history(analytics, History(package, package.usage, end), progress))
            with _transaction(operational):
                _record(operational, package, "analytics", run)
    return run


def reset(site: Site, name: str, asked: dict[str, int], progress: Progress) -> SeedRun:
    """Removes exactly the rows of a package, and its secrets. Removing nothing is no fault.

    Raises Refused in environments where seeds are not allowed, NotOfThePackage when something hangs on its rows.
    """
    package = load_package(name, asked)
    check_environment(package, site.environment)
    _require_migrations(site)
    with _open(site) as (operational, analytics):
        _refuse_real(operational)
        package, end = _find_applied(operational, package)
        run = SeedRun(name, site.environment, end)
        with _transaction(operational):
            run.add("operational", _remove_rows(operational, package))
            _audit(operational, "db.seed.reset", run)
            with _transaction(analytics):
                progress(f"Removing the usage of '{name}'")
                run.add("analytics", _remove_usage(analytics, package, end))
    forget_credentials(package, site.shelf)
    return run


def _remove_rows(operational: Connection, package: Package) -> list[Outcome]:
    rows = list_rows(package)
    revisions = [row["revision_id"] for table in rows if table.name == "model_revisions" for row in table.rows]
    operational.execute(queries["delete_deployments"], [revisions])
    operational.execute(queries["delete_runs"], [package.name])
    return remove_tables(operational, rows)


def _remove_usage(analytics: Connection, package: Package, end: datetime) -> list[Outcome]:
    remove_dimensions(analytics, [next(iter(row.values())) for table in list_rows(package) for row in table.rows])
    return [] if package.usage is None else remove_history(analytics, History(package, package.usage, end))


def _require_migrations(site: Site) -> None:
    if has_work([site.operational, site.analytics]):
        raise PrerequisiteMissing("Migrations are pending", hint="apply them first: aias db migrate")


@contextmanager
def _open(site: Site) -> Iterator[tuple[Connection, Connection]]:
    with (
        connect(site.operational.dsn, "database 'operational'", autocommit=True) as operational,
        connect(site.analytics.dsn, "database 'analytics'", autocommit=True) as analytics,
    ):
        yield operational, analytics


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    with connection.transaction():
        connection.execute(queries["limit_statements"])
        connection.execute(queries["hold_seeds"])
        yield


def _refuse_real(operational: Connection) -> None:
    row = operational.execute(queries["find_real_environment"], [list(NEVER)]).fetchone()
    if row is not None:
        raise Refused(f"The database serves '{row[0]}', where seeds are never put", hint="look at AIAS_OPERATIONAL_DSN")


def _find_end(operational: Connection, package: Package) -> datetime:
    """The end of the history: what it was at the first application. Raises UsageDiffers for other figures than then."""
    row = operational.execute(queries["find_run"], [package.name, "analytics"]).fetchone()
    first = operational.execute(queries["find_run"], [package.name, "operational"]).fetchone()
    end: datetime = first[2] if first else choose_end(package)
    is_other = row is not None and bytes(row[0]) != package.digest("analytics", end)
    if is_other or (first is not None and first[3] != _list_figures(package)):
        raise UsageDiffers(
            f"The package '{package.name}' was put here with other figures",
            hint=f"remove it first: aias db seed --package {package.name} --reset",
        )
    return end


def _list_figures(package: Package) -> dict[str, int]:
    return package.figures.model_dump() if isinstance(package.figures, Figures) else {}


def _find_applied(operational: Connection, package: Package) -> tuple[Package, datetime]:
    """The package in the size in which it was applied, and the end of its history."""
    row = operational.execute(queries["find_run"], [package.name, "operational"]).fetchone()
    if row is None:
        return package, choose_end(package)
    return load_package(package.name, row[3]), row[2]


def _record(operational: Connection, package: Package, database: str, run: SeedRun) -> None:
    from psycopg.types.json import Jsonb

    outcomes = [table for table in run.tables if table["database"] == database]
    counts = {t["table"]: t["inserted"] + t["updated"] + t["unchanged"] for t in outcomes}
    row: dict[str, Any] = {
        "package": package.name,
        "database": database,
        "digest": package.digest(database, run.anchored_at),
    }
    row |= {"row_counts": Jsonb(counts), "anchored_at": run.anchored_at, "figures": Jsonb(_list_figures(package))}
    if operational.execute(queries["upsert_run"], row).rowcount:
        _audit(operational, "db.seed", run)


def _sync_dimensions(operational: Connection, analytics: Connection) -> None:
    from aias_core.analytics.dimensions import sync_dimensions

    sync_dimensions(operational, analytics)


def _audit(operational: Connection, action: str, run: SeedRun) -> None:
    record = AuditRecord(
        audit_id=ids.new_id(),
        occurred_at=clock.now(),
        actor_type="cli",
        actor_id=own_name(),
        action=action,
        outcome="succeeded",
        target_type="environment",
        target_id=run.environment,
        details={"package": run.package},
    )
    append_record(operational, record)

"""What the engine remembers in `aias_migrations` of each database: versions, runs, statements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import __version__
from aias_core.database.glance import glance
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, DifferenceFound
from aias_core.migrate.files import Migration

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.secret import Secret

queries = load_queries(__file__)
_RECORD_FILE = "WITH recorded AS (" + queries["replace_history"] + ") " + queries["insert_statements"]  # one journey
CHAIN_START = hashlib.sha256(b"aias_migrations").hexdigest()


class MigrationEdited(DifferenceFound):
    """An applied migration differs from its file"""


class MigrationOutOfOrder(Conflict):
    """A migration is older than one that is applied"""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One version as the database remembers it. `running` and `reverting` are unfinished, to be resumed."""

    version: str
    slug: str
    status: str
    checksum_up: str
    checksum_down: str
    chain: str
    fingerprint_after: str | None
    run_id: UUID
    started_at: datetime
    finished_at: datetime | None
    applied_by: str

    @property
    def name(self) -> str:
        return f"{self.version}_{self.slug}"


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Where a database stands: what is applied, what of the files is not, what a killed run left unfinished."""

    database: str
    applied: list[HistoryRow]
    pending: list[Migration]
    unfinished: list[HistoryRow]
    reverting: list[Migration]
    failed: list[HistoryRow]

    @property
    def version(self) -> str | None:
        return self.applied[-1].version if self.applied else None

    @property
    def has_work(self) -> bool:
        """Whether anything is pending or unfinished."""
        return bool(self.pending or self.unfinished)


def ensure_engine(connection: Connection, database: str) -> None:
    """Makes the engine's tables where they are missing; marks the database with its name. Repeatable.

    Raises Conflict when the database belongs to other migrations.
    """
    from psycopg import sql

    with connection.transaction():
        connection.execute(queries["create_engine"])
    owner = fetch_value(connection, "find_mark")
    if owner is None:
        connection.execute(sql.SQL("COMMENT ON SCHEMA aias_migrations IS {}").format(database))
    elif owner != database:
        raise Conflict(f"This database holds '{owner}', not '{database}'", hint="check which address is whose")


def read_history(connection: Connection) -> list[HistoryRow]:
    """All versions the database knows, oldest first; none where the engine has never run.

    Raises Conflict for a history that an unreleased version of the engine has written.
    """
    if not fetch_value(connection, "has_engine"):
        if fetch_value(connection, "has_other_engine"):
            raise Conflict(
                "The history of this database was written before the first release and cannot be read",
                hint="start anew with: aias env down --volumes, then aias env up",
            )
        return []
    return [HistoryRow(*row) for row in connection.execute(queries["list_history"])]


def glance_history(dsn: Secret) -> list[HistoryRow] | None:
    """All versions the database knows, read without the driver; None where only that can tell."""
    with glance(dsn) as look:
        if look is None:
            return None
        if look(queries["has_other_engine"]) == [("f",)]:
            return []
        rows = look(queries["list_history"]) if look(queries["has_engine"]) == [("t",)] else None
    return None if rows is None else [_parse_row(*row) for row in rows]


def _parse_row(*cells: Any) -> HistoryRow:
    *texts, run_id, started_at, finished_at, applied_by = cells
    finished = finished_at and datetime.fromisoformat(finished_at)
    return HistoryRow(*texts, UUID(run_id), datetime.fromisoformat(started_at), finished, applied_by)  # type: ignore[call-arg]


def compare_history(database: str, history: list[HistoryRow], migrations: list[Migration]) -> MigrationStatus:
    """Files against history. Raises MigrationEdited or MigrationOutOfOrder when they disagree."""
    present = [row for row in history if row.status in ("applied", "reverting")]
    check_chain(database, present, migrations)
    known = {row.version for row in present}
    by_version = {migration.version: migration for migration in migrations}
    pending = [migration for version, migration in by_version.items() if version not in known]
    if present and pending and pending[0].version < present[-1].version:
        raise MigrationOutOfOrder(
            f"'{pending[0].name}' is older than '{present[-1].version}', which is applied to '{database}'",
            hint="give it a later version",
        )
    return MigrationStatus(
        database,
        present,
        pending,
        [row for row in history if row.status in ("running", "reverting")],
        [by_version[row.version] for row in reversed(present) if row.status == "reverting"],
        [row for row in history if row.status == "failed"],
    )


def check_chain(database: str, present: list[HistoryRow], migrations: Iterable[Migration]) -> None:
    """Each applied file must be there unchanged, and each link of the chain must follow from the one before."""
    by_version = {migration.version: migration for migration in migrations}
    chain = CHAIN_START
    for row in present:
        file = by_version.get(row.version)
        if file is None:
            raise MigrationEdited(f"'{row.name}' is applied to '{database}', but its file is gone")
        if (file.slug, file.checksum_up, file.checksum_down) != (row.slug, row.checksum_up, row.checksum_down):
            raise MigrationEdited(f"'{file.name}' was edited after it was applied to '{database}'")
        chain = link(chain, file)
        if chain != row.chain:
            raise MigrationEdited(f"The history of '{database}' was changed at or before '{row.name}'")


def link(chain: str, migration: Migration) -> str:
    """The next link: SHA-256 over the one before, the file's name and both its checksums."""
    parts = (chain, migration.name, migration.checksum_up, migration.checksum_down)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def list_used_approvals(connection: Connection, plan_sha256: str) -> set[str]:
    """Ids of approvals that no longer count for a plan: those of finished runs, and of runs of other plans."""
    return {row[0] for row in connection.execute(queries["list_used_approvals"], {"plan_sha256": plan_sha256})}


def write_history(
    connection: Connection, migration: Migration, statements: Sequence[Mapping[str, Any]] = (), **columns: Any
) -> None:
    """Writes a version's row, with the records of its statements if there are any, in whatever transaction is open."""
    row = {
        "version": migration.version,
        "slug": migration.slug,
        "checksum_up": migration.checksum_up,
        "checksum_down": migration.checksum_down,
        "fingerprint_after": None,
        "finished_at": None,
        "tool_version": __version__,
        **columns,
    }
    if statements:
        connection.execute(_RECORD_FILE, {**row, "records": json.dumps(statements, default=str)})
    else:
        connection.execute(queries["replace_history"], row)


def describe_holder(connection: Connection) -> str | None:
    """Who holds the lock of the database's migrations, and since when; None when nobody does."""
    row = connection.execute(queries["find_lock_holder"]).fetchone()
    return f"'{row[1]}' since {row[3]:%Y-%m-%d %H:%M:%SZ}" if row else None


def fetch_value(connection: Connection, query: str, **parameters: Any) -> Any:
    """The first column of a named query's first row, or None."""
    row = connection.execute(queries[query], parameters or None).fetchone()
    return row[0] if row else None

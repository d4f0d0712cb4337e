"""Everything a database promises, recomputed: history, catalogue, indexes, row security, triggers, audit chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aias_core.audit.chain import PLATFORM, verify_chain
from aias_core.audit.chain import queries as audit_queries
from aias_core.database.connection import connect
from aias_core.errors import AiasError
from aias_core.migrate.catalog.snapshot import (
    Catalog,
    list_invalid_indexes,
    list_unvalidated_constraints,
    read_catalog,
)
from aias_core.migrate.expected import load_expected
from aias_core.migrate.files import load_migrations
from aias_core.migrate.history import compare_history, queries, read_history

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.migrate.target import Target


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check: what was looked at, whether it holds, and what was found where it does not."""

    database: str
    check: str
    looked_at: int
    holds: bool
    found: str | None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def verify_database(target: Target) -> list[Verdict]:
    """Every check with its verdict; a check that looked at nothing says so in its count."""
    with connect(target.dsn, f"database '{target.database}'", autocommit=True) as connection:
        connection.execute(queries["act_as_owner"])
        catalog = read_catalog(connection)
        return [
            _judge(target.database, name, looked_at, faults)
            for name, looked_at, faults in _iter_checks(connection, target, catalog)
        ]


def _iter_checks(connection: Connection, target: Target, catalog: Catalog) -> Iterator[tuple[str, int, Iterable[str]]]:
    history = read_history(connection)
    yield "history follows the files, link by link", len(history), _check_history(connection, target)
    unfinished = [f"{row.name} is {row.status}" for row in history if row.status not in ("applied", "reverted")]
    yield "nothing is unfinished or failed", len(history), unfinished
    applied = [row.version for row in history if row.status == "applied"]
    wanted = load_expected(target.files).get(applied[-1] if applied else "")
    changed = wanted is not None and catalog.fingerprint != wanted
    objects = 0 if wanted is None else len(catalog.objects)
    yield "the catalogue is the expected one", objects, ["it has changed; see: aias db diff"] if changed else []
    yield "no index is invalid", len(catalog.list_kind("index")), list_invalid_indexes(connection)
    constraints = len(catalog.list_kind("constraint")) + len(catalog.list_kind("foreign_key"))
    yield "no constraint is unproven", constraints, list_unvalidated_constraints(connection)
    tenants = [table for table in catalog.list_kind("table") if _has_column(catalog, table.name, "org_id")]
    forced = {item.table for item in catalog.list_kind("row_security") if "FORCE" in item.made_by}
    open_tables = [table.name for table in tenants if table.name not in forced]
    yield "tables of tenants have forced row security", len(tenants), open_tables
    triggers = catalog.list_kind("trigger")
    disabled = [item.name for item in catalog.list_kind("trigger_state") if "DISABLE" in item.made_by]
    yield "every trigger is enabled", len(triggers), disabled
    if connection.execute(audit_queries["has_log"]).fetchone() == (True,):
        count, broken = verify_chain(connection)
        yield f"the audit chain '{PLATFORM}' holds", count, (f"record {link.seq} {link.fault}" for link in broken)


def _check_history(connection: Connection, target: Target) -> Iterator[str]:
    try:
        compare_history(target.database, read_history(connection), load_migrations(target.files))
    except AiasError as error:
        yield error.message


def _has_column(catalog: Catalog, table: str, column: str) -> bool:
    return any(item.facts["column"] == column for item in catalog.list_kind("column", table))


def _judge(database: str, check: str, looked_at: int, faults: Iterable[str]) -> Verdict:
    found = list(faults)
    return Verdict(database, check, looked_at, not found, "; ".join(found) or None)

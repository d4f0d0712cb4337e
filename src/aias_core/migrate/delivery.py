"""Hands the records of runs to the audit chain of the operational database: each once, also those that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from aias_core.audit.chain import AuditRecord, append_record
from aias_core.audit.chain import queries as audit_queries
from aias_core.database.connection import connect
from aias_core.errors import AiasError
from aias_core.migrate.history import fetch_value, queries

if TYPE_CHECKING:
    from aias_core.migrate.session import Progress
    from aias_core.migrate.target import Target

_ACTIONS = {"up": "db.migrate", "down": "db.rollback", "repair": "db.repair"}


@contextmanager
def delivering(targets: Sequence[Target], operational: Target, progress: Progress) -> Iterator[None]:
    """After the block, however it ends, hands on what the databases have recorded; what cannot be is kept for later."""
    try:
        yield
    finally:
        try:
            for target in targets:
                deliver_runs(target, operational)
        except AiasError as error:
            progress(f"The audit record is kept for later: {error.message}")


def deliver_runs(target: Target, operational: Target) -> int:
    """Appends the undelivered runs of a database to the chain; how many. Nothing where there is no chain yet."""
    delivered = 0
    with ExitStack() as stack:
        source = stack.enter_context(connect(target.dsn, f"database '{target.database}'", autocommit=True))
        chain = source
        if operational.dsn != target.dsn:
            name = f"database '{operational.database}'"
            chain = stack.enter_context(connect(operational.dsn, name, autocommit=True))
        if not (fetch_value(source, "has_engine") and chain.execute(audit_queries["has_log"]).fetchone() == (True,)):
            return 0
        for connection in (source, chain):
            connection.execute(queries["act_as_owner"])
        for row in source.execute(queries["list_undelivered_runs"]).fetchall():
            append_record(chain, _build_record(target.database, row))
            source.execute(queries["mark_delivered"], {"run_id": row[0]})
            delivered += 1
    return delivered


def _build_record(database: str, row: tuple[Any, ...]) -> AuditRecord:
    run_id, direction, status, actor, reason, started_at, to_version, details = row
    return AuditRecord(
        audit_id=run_id,
        occurred_at=started_at,
        actor_type="migration",
        actor_id=actor,
        action=_ACTIONS[direction],
        outcome="succeeded" if status == "succeeded" else "failed",
        target_type="database",
        target_id=f"{database}/{to_version or ''}",
        reason=reason,
        details=details,
    )

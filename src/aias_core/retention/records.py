"""What was removed, and by whom, goes into the audit chain of the operational database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aias_core import clock, ids
from aias_core.accounts import own_name
from aias_core.audit.chain import AuditRecord, append_record

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection


def record(
    operational: Connection,
    action: str,
    outcome: Literal["succeeded", "failed"],
    details: dict[str, Any],
    *,
    audit_id: UUID | None = None,
) -> None:
    """Appends who did it and how it ended; with an id that the chain has, nothing. Details hold nothing personal."""
    append_record(
        operational,
        AuditRecord(
            audit_id=audit_id or ids.new_id(),
            occurred_at=clock.now(),
            actor_type="cli",
            actor_id=own_name(),
            action=action,
            outcome=outcome,
            target_type="data",
            details=details,
        ),
    )

"""Records of audited reads and refusals: written before the answer, delivered once to the audit chain of identity."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from aias_core import clock, ids
from aias_core.database.queries import load_queries
from aias_core.database.rows import plain

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """Who asked for what of whom, in which role, with which parameters, and whether it was allowed."""

    actor_type: Literal["user", "cli"]
    actor_id: str
    actor_role: str
    action: str
    outcome: Literal["allowed", "denied"]
    org_id: UUID | None = None
    target_type: str | None = "organization"
    target_id: str | None = None
    reason: str | None = None
    request_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    audit_id: UUID = field(default_factory=ids.new_id)
    occurred_at: datetime = field(default_factory=clock.now)


def record_access(connection: Connection, record: AccessRecord) -> None:
    """Stores a record; an answer that cannot be recorded is not given."""
    with connection.transaction():
        connection.execute(_queries["insert_record"], {**asdict(record), "details": Jsonb(record.details)})


def list_undelivered(connection: Connection, limit: int = 100) -> list[dict[str, Any]]:
    """The oldest records that the audit chain does not have yet, as JSON values."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_queries["list_undelivered"], {"limit": limit}).fetchall()
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def mark_delivered(connection: Connection, delivered: list[str]) -> int:
    """Notes that the chain has these records; returns how many were new."""
    with connection.transaction():
        return connection.execute(_queries["mark_delivered"], {"ids": [UUID(text) for text in delivered]}).rowcount

"""Records that other services keep until the audit chain has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from aias_core.audit.chain import AuditRecord, append_record
from aias_core.database.connection import Pool
from aias_core.service_settings import IdentitySettings
from aias_services.kit.guard import bearer


class ServiceRecord(BaseModel):
    model_config = ConfigDict(extra="forbid")

    audit_id: UUID
    occurred_at: datetime
    actor_type: Literal["user", "service_account", "service", "cli", "system"]
    actor_id: str
    actor_role: str
    org_id: UUID | None
    action: str
    target_type: str | None
    target_id: str | None
    outcome: Literal["succeeded", "failed", "allowed", "denied"]
    reason: str | None
    request_id: str | None
    details: dict[str, Any]

    def to_record(self) -> AuditRecord:
        known = self.model_dump(exclude={"actor_role", "request_id"})
        more = {"actor_role": self.actor_role, "request_id": self.request_id}
        return AuditRecord(**{**known, "details": {**self.details, **more}})


class ServiceRecords(BaseModel):
    model_config = ConfigDict(extra="forbid")

    records: Annotated[list[ServiceRecord], Field(min_length=1, max_length=100)]


def add_audit(app: FastAPI, pool: Pool, settings: IdentitySettings) -> None:
    """Adds the route that appends records in order; one that the chain has is not appended again."""

    @app.post("/internal/v1/audit-records", dependencies=[bearer(settings.service_key)])
    def append_records(body: ServiceRecords) -> dict[str, int]:
        with pool.connection() as connection, connection.transaction():
            return {"appended": sum(append_record(connection, record.to_record()) for record in body.records)}

"""Access tokens for the management APIs, issued by the operator."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from aias_core import clock, ids
from aias_core.audit.chain import AuditRecord, append_record
from aias_core.database.connection import Pool
from aias_core.identity import organizations
from aias_core.identity.access_tokens import TokenSigner
from aias_core.identity.permissions import Principal
from aias_core.service_settings import IdentitySettings
from aias_services.kit.guard import bearer

LONGEST_SECONDS = 3600


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: str
    org: str | None = None
    subject: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    expires_in_seconds: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)] = LONGEST_SECONDS


def add_tokens(app: FastAPI, pool: Pool, settings: IdentitySettings) -> None:
    """Adds the route that signs a token; each is in the audit by its id, never by itself."""
    signer = TokenSigner.parse(settings.token_signing_key, settings.env)

    @app.post("/api/v1/access-tokens", status_code=201, dependencies=[bearer(settings.operator_token)])
    def issue_token(body: NewToken) -> dict[str, Any]:
        with pool.connection() as connection, connection.transaction():
            org_id = None if body.org is None else organizations.get_organization(connection, body.org)["org_id"]
            principal = _build_principal(body, org_id)
            token, token_id = signer.sign(principal, timedelta(seconds=body.expires_in_seconds))
            append_record(connection, _build_record(principal, token_id))
        return {
            "access_token": token.reveal(),
            "token_type": "Bearer",
            "expires_in": body.expires_in_seconds,
            "token_id": token_id,
            "subject": principal.actor_id,
            "role": principal.role,
            "org_id": org_id,
        }


def _build_principal(body: NewToken, org_id: UUID | None) -> Principal:
    subject = body.subject or f"{body.role}-{ids.new_id()}"
    if org_id is None:
        return Principal(subject, platform_role=body.role)
    return Principal(subject, org_id, body.role)


def _build_record(principal: Principal, token_id: str) -> AuditRecord:
    details = {"subject": principal.actor_id, "role": principal.role}
    return AuditRecord(
        ids.new_id(),
        clock.now(),
        "cli",
        "operator",
        "token.issue",
        "succeeded",
        target_type="access_token",
        target_id=token_id,
        org_id=principal.org_id,
        details=details,
    )

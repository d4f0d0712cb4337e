"""The routes of identity: the management API for the operator, and key resolution for the router."""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from aias_core.database.connection import Pool
from aias_core.errors import InvalidInput, NotFound
from aias_core.identity import api_keys, organizations
from aias_core.identity.keys import HashKeys
from aias_core.service_settings import IdentitySettings
from aias_services.identity import audit, tokens
from aias_services.kit.guard import bearer
from aias_services.kit.service import Service, create_app, create_service

KEY_TTL_SECONDS = 15


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewOrganization(_Body):
    slug: str
    display_name: str | None = None


class NewKey(_Body):
    name: str
    scopes: list[str] = list(api_keys.DEFAULT_SCOPES)
    expires_in_days: int = api_keys.DEFAULT_DAYS


class Digests(_Body):
    digests: Annotated[dict[str, str], Field(min_length=1, max_length=4)]


def build(settings: IdentitySettings) -> Service:
    """The service over one database and one set of hashing keys."""
    pool = Pool(settings.operational_dsn, "database 'operational'", "aias-identity")
    hash_keys = HashKeys.parse(settings.data_hash_keys)
    app = create_app("identity")
    _add_management(app, pool, hash_keys, settings)
    _add_resolution(app, pool, settings)
    tokens.add_tokens(app, pool, settings)
    audit.add_audit(app, pool, settings)
    service = create_service("identity", app)

    async def probe_database() -> Mapping[str, Any]:
        await asyncio.to_thread(_ping, pool)
        return {}

    service.health.add("postgres", probe_database)
    return service


def _add_management(app: FastAPI, pool: Pool, hash_keys: HashKeys, settings: IdentitySettings) -> None:
    operator = bearer(settings.operator_token)

    @app.post("/api/v1/orgs", status_code=201, dependencies=[operator])
    def create_organization(body: NewOrganization) -> dict[str, Any]:
        with pool.connection() as connection:
            return organizations.create_organization(connection, body.slug, body.display_name)

    @app.get("/api/v1/orgs", dependencies=[operator])
    def list_organizations() -> dict[str, Any]:
        with pool.connection() as connection:
            return {"data": organizations.list_organizations(connection)}

    @app.post("/api/v1/orgs/{org}/keys", status_code=201, dependencies=[operator])
    def issue_key(org: str, body: NewKey) -> dict[str, Any]:
        with pool.connection() as connection:
            key, text = api_keys.issue_key(
                connection,
                hash_keys,
                settings.env,
                org,
                body.name,
                scopes=body.scopes,
                expires_in_days=body.expires_in_days,
            )
        return {**key, "org": org, "secret": text.reveal()}

    @app.get("/api/v1/orgs/{org}/keys", dependencies=[operator])
    def list_keys(org: str) -> dict[str, Any]:
        with pool.connection() as connection:
            return {"data": api_keys.list_keys(connection, org)}


def _add_resolution(app: FastAPI, pool: Pool, settings: IdentitySettings) -> None:
    @app.post("/internal/v1/keys/resolve", dependencies=[bearer(settings.service_key)])
    def resolve_key(body: Digests) -> dict[str, Any]:
        try:
            digests = {kid: bytes.fromhex(digest) for kid, digest in body.digests.items()}
        except (ValueError, binascii.Error) as exc:
            raise InvalidInput("A digest is not hexadecimal") from exc
        with pool.connection() as connection:
            grant = api_keys.resolve_key(connection, digests)
        if grant is None:
            raise NotFound("There is no such key")
        return {**grant, "ttl_seconds": KEY_TTL_SECONDS}


def _ping(pool: Pool) -> None:
    with pool.connection() as connection:
        connection.execute("SELECT 1")

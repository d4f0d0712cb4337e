"""Who is calling: the form of a key offline, then this process's cache, then identity."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from aias_core import clock
from aias_core.identity.keys import HashKeys, MalformedKey, check_form
from aias_core.secret import Secret
from aias_services.kit.openai_errors import OpenAIError

ENTRIES = 100_000
RESOLVE_SECONDS = 0.5
UNKNOWN_SECONDS = 10.0
OUTAGE_SECONDS = 15 * 60.0


class Grant(msgspec.Struct, frozen=True):
    """What a key may do, as identity says."""

    api_key_id: UUID
    org_id: UUID
    org_slug: str
    org_status: str
    scopes: frozenset[str]
    ttl_seconds: float
    allowed_models: frozenset[UUID] | None = None
    expires_at: datetime | None = None

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= clock.now()


@dataclass(frozen=True, slots=True)
class _Entry:
    grant: Grant | None
    read_at: float


class IdentityUnreachable(Exception):
    """Identity did not answer in time"""


class Access:
    """The cache of one process. Keys are remembered by their digest, never by their text."""

    def __init__(self, hash_keys: HashKeys, environment: str, identity_url: str, service_key: Secret) -> None:
        self._hash_keys = hash_keys
        self._environment = environment
        self._identity_url = identity_url
        self._url = f"{identity_url}/internal/v1/keys/resolve"
        self._headers = {"Authorization": f"Bearer {service_key.reveal()}"}
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[Grant | None]] = {}

    async def authenticate(self, headers: Mapping[str, str], http: aiohttp.ClientSession) -> Grant:
        """The grant of the key in a request's headers. Raises OpenAIError 401, 403 or 503."""
        text = _credential(headers)
        try:
            check_form(text, self._environment)
        except MalformedKey as exc:
            raise _invalid(exc.message) from exc
        digest = self._hash_keys.digest(text, self._hash_keys.active_kid)
        grant = await self._find(digest, text, http)
        if grant is None or grant.has_expired:
            raise _invalid("The API key is unknown, revoked or expired")
        if grant.org_status != "active":
            message = f"The organization '{grant.org_slug}' is {grant.org_status}"
            raise OpenAIError(403, "organization_suspended", message, kind="permission_error")
        return grant

    async def probe(self, http: aiohttp.ClientSession) -> Mapping[str, Any]:
        """Raises when identity does not answer; also keeps a connection to it open."""
        async with http.get(f"{self._identity_url}/healthz") as answer:
            answer.raise_for_status()
        return {}

    async def _find(self, digest: bytes, text: str, http: aiohttp.ClientSession) -> Grant | None:
        entry, now = self._entries.get(digest), time.monotonic()
        if entry is not None:
            self._entries.move_to_end(digest)
            age = now - entry.read_at
            if entry.grant is None and age < UNKNOWN_SECONDS:
                return None
            if entry.grant is not None and age < entry.grant.ttl_seconds:
                return entry.grant
        try:
            return await self._resolve_once(digest, text, http)
        except IdentityUnreachable:
            if entry is not None and entry.grant is not None and now - entry.read_at < OUTAGE_SECONDS:
                return entry.grant
            raise OpenAIError(
                503,
                "authentication_unavailable",
                "The key cannot be checked at the moment",
                kind="server_error",
                retry=True,
            ) from None

    async def _resolve_once(self, digest: bytes, text: str, http: aiohttp.ClientSession) -> Grant | None:
        task = self._under_way.get(digest)
        if task is None:
            task = asyncio.create_task(self._resolve(digest, text, http))
            self._under_way[digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(digest, None))
        return await asyncio.shield(task)

    async def _resolve(self, digest: bytes, text: str, http: aiohttp.ClientSession) -> Grant | None:
        body: dict[str, Any] = {"digests": {kid: d.hex() for kid, d in self._hash_keys.digests(text).items()}}
        timeout = aiohttp.ClientTimeout(total=RESOLVE_SECONDS)
        try:
            async with http.post(self._url, json=body, headers=self._headers, timeout=timeout) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise IdentityUnreachable from exc
        if answer.status not in (200, 404):
            raise IdentityUnreachable
        grant = msgspec.json.decode(content, type=Grant, strict=False) if answer.status == 200 else None
        self._entries[digest] = _Entry(grant, time.monotonic())
        while len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)
        return grant


def _credential(headers: Mapping[str, str]) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    bearer = value.strip() if scheme.lower() == "bearer" else ""
    alternative = headers.get("x-api-key", "")
    if bearer and alternative and bearer != alternative:
        raise _invalid("Authorization and X-API-Key name different keys")
    if not (bearer or alternative):
        raise _invalid("There is no API key; send it as 'Authorization: Bearer sk-aias-…'")
    return bearer or alternative


def _invalid(message: str) -> OpenAIError:
    return OpenAIError(401, "invalid_api_key", message)

"""What every read shares: the database, who may see what, the record of it, and answers kept for a few seconds."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Request
from fastapi.responses import Response
from prometheus_client import Histogram

from aias_core import clock
from aias_core.analytics.access.records import AccessRecord, record_access
from aias_core.analytics.dimensions import get_organization
from aias_core.analytics.query.freshness import read_freshness
from aias_core.analytics.query.scope import Scope
from aias_core.database.connection import Pool
from aias_core.errors import NotFound
from aias_core.identity.permissions import Grant, Principal
from aias_services.kit.callers import PermissionDenied
from aias_services.kit.http import current_request_id

if TYPE_CHECKING:
    from psycopg import Connection

QUERY_SECONDS = Histogram("aias_analytics_query_seconds", "Time of a question in the database", ["endpoint"])
RECORDED = {"usage.events"}  # also one's own
KEPT_SECONDS, KEPT_ANSWERS = 10.0, 256


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may see: a scope, whether with money, and how an answer names the organization."""

    scope: Scope
    money: bool
    org_id: UUID | None = None


@dataclass(slots=True)
class Reads:
    """The reading side of analytics over one pool of its own, so that no worker can make a reader wait."""

    pool: Pool
    _kept: OrderedDict[Hashable, tuple[float, dict[str, Any]]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def connection(self, question: str = "access") -> Iterator[Connection]:
        """A connection to ask a question. Raises DependencyUnreachable within a second while the database is away."""
        with self.pool.connection() as connection, QUERY_SECONDS.labels(question).time():
            yield connection

    def open_organization(
        self, caller: Principal, org: str, permission: str, *, is_recorded: bool = False, **asked: Any
    ) -> Access:
        """What the caller may see of an organization named by slug or id.

        Raises NotFound for an absent one and, in the same words, for one the caller does not belong to;
        PermissionDenied where the role is too small. Refusals, reads from outside and drill-downs are recorded, and
        what the caller wants to be.
        """
        with self.connection() as connection:
            org_id = caller.org_id if org.lower() == str(caller.org_id) else _find_id(connection, org)
            is_own = caller.platform_role is None and org_id is not None and org_id == caller.org_id
            grant = caller.find_grant(permission)
            is_allowed = org_id is not None and (caller.platform_role is not None or is_own) and grant is not None
            if not (is_own and is_allowed) or permission in RECORDED or is_recorded:
                self._record(connection, caller, permission, org_id, org, is_allowed=is_allowed, asked=asked)
        if org_id is None or not (is_own or caller.platform_role):
            raise NotFound(f"There is no organization '{org}'")
        if grant is None:
            raise _denied(caller, permission)
        return Access(Scope.of(org_id, _holder(caller, grant)), self._sees_money(caller), org_id)

    def open_platform(self, caller: Principal, orgs: list[str], permission: str, **asked: Any) -> Access:
        """What somebody of the platform may see of several organizations, or of all. Always recorded."""
        with self.connection() as connection:
            is_allowed = caller.platform_role is not None and caller.find_grant(permission) is not None
            named = ",".join(orgs) or "all"
            self._record(connection, caller, permission, None, named, is_allowed=is_allowed, asked=asked)
            if not is_allowed:
                raise _denied(caller, permission)
            found = [_find_id(connection, org) for org in orgs]
        for org, org_id in zip(orgs, found, strict=True):
            if org_id is None:
                raise NotFound(f"There is no organization '{org}'")
        known = tuple(org_id for org_id in found if org_id is not None)
        return Access(Scope(known or None), self._sees_money(caller))

    def keep(self, key: Hashable, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """An answer built at most ten seconds ago under the same key, or a new one."""
        now = clock.monotonic()
        with self._lock:
            kept_until, answer = self._kept.get(key, (0.0, {}))
        if kept_until > now:
            return answer
        answer = build()
        with self._lock:
            self._kept[key] = now + KEPT_SECONDS, answer
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return answer

    def read_freshness(self, scope: Scope, models: tuple[str, ...] = ()) -> dict[str, Any]:
        """How current the figures of a scope are; asked anew each time, never kept."""
        with self.connection("freshness") as connection:
            return read_freshness(connection, scope, models)

    @staticmethod
    def _sees_money(caller: Principal) -> bool:
        return caller.find_grant("cost.read") is not None

    @staticmethod
    def _record(
        connection: Connection,
        caller: Principal,
        permission: str,
        org_id: UUID | None,
        named: str,
        *,
        is_allowed: bool,
        asked: Mapping[str, Any],
    ) -> None:
        asked = {name: value for name, value in asked.items() if value not in (None, [], ())}
        record_access(
            connection,
            AccessRecord(
                "cli" if caller.platform_role and caller.actor_id == "operator" else "user",
                caller.actor_id,
                caller.role,
                permission,
                "allowed" if is_allowed else "denied",
                org_id=org_id,
                target_id=named[:200],
                reason=asked.pop("reason", None),
                request_id=current_request_id() or None,
                details=asked,
            ),
        )


def answer_json(request: Request, schema: str, body: Mapping[str, Any], version: str | None = None) -> Response:
    """A JSON answer; with a version it carries an ETag, and 304 says that the caller has it already."""
    headers = {"Cache-Control": "private, no-cache"}
    if version is not None:
        headers["ETag"] = f'"{hashlib.sha256(f"{version} {request.url.query}".encode()).hexdigest()[:24]}"'
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode({"schema": schema, **body}), headers=headers, media_type="application/json")


def _find_id(connection: Connection, org: str) -> UUID | None:
    try:
        return get_organization(connection, org)[0]
    except NotFound:
        return None


def _holder(caller: Principal, grant: Grant) -> UUID | None:
    return caller.holder_id if grant is Grant.OWN else None


def _denied(caller: Principal, permission: str) -> PermissionDenied:
    return PermissionDenied(
        f"The role '{caller.role}' does not have '{permission}'", hint="ask an owner of the organization for it"
    )


def _reads(request: Request) -> Reads:
    reads: Reads = request.app.state.reads
    return reads


ReadsOf = Annotated[Reads, Depends(_reads)]

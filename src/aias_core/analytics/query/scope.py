"""On whose behalf a question is read: one organization behind row-level security, or the platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.database.connection import tenant_transaction
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which organizations are read. With a tenant, the database itself shows no other; `holder` sees own keys only.

    `orgs` None means every organization; it is for the platform alone.
    """

    orgs: tuple[UUID, ...] | None
    tenant: UUID | None = None
    holder: UUID | None = None

    @classmethod
    def of(cls, org_id: UUID, holder: UUID | None = None) -> Scope:
        """One organization, as its own members see it."""
        return cls((org_id,), org_id, holder)


@contextmanager
def reading(connection: Connection, scope: Scope) -> Iterator[None]:
    """A read-only transaction on one snapshot, 15 s a statement; as `aias_reader` where there is a tenant."""
    with connection.transaction():
        connection.execute(_queries["read_snapshot"])
        if scope.tenant is None:
            yield
            return
        with tenant_transaction(connection, scope.tenant):
            yield

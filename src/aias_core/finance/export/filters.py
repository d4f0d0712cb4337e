"""Models and projects named on a command line or in a request, as ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.errors import NotFound
from aias_core.finance.export.request import Scope
from aias_core.finance.export.source import queries

if TYPE_CHECKING:
    from psycopg import Connection


def find_models(connection: Connection, names: Iterable[str]) -> tuple[UUID, ...]:
    """The ids of models by name or id. Raises NotFound for one that there is not."""
    return tuple(_get(connection, "find_models", name, "model", None) for name in names)


def find_projects(connection: Connection, names: Iterable[str], scope: Scope | None) -> tuple[UUID, ...]:
    """The ids of projects by slug or id, of one organization where there is a scope. Raises NotFound."""
    return tuple(_get(connection, "find_projects", name, "project", scope) for name in names)


def _get(connection: Connection, query: str, name: str, what: str, scope: Scope | None) -> UUID:
    parameters = {"name": name, "org_id": scope.org_id if scope else None}
    row = connection.execute(queries[query], parameters).fetchone()
    if row is None:
        raise NotFound(f"There is no {what} '{name}'", hint="see which have usage: aias analytics usage --org SLUG")
    found: UUID = row[0]
    return found

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


def find_models(connection: Connection, names: Iterable[str], scope: Scope | None) -> tuple[UUID, ...]:
    """The ids of the models that have these names or ids: all of them, or those that one organization may use.

    Raises NotFound for a name that none has; what another organization has is none.
    """
    return _find(connection, "find_models", names, "model", scope)


def find_projects(connection: Connection, names: Iterable[str], scope: Scope | None) -> tuple[UUID, ...]:
    """The same for projects by slug or id; several organizations may have one of the same slug."""
    return _find(connection, "find_projects", names, "project", scope)


def _find(connection: Connection, query: str, names: Iterable[str], what: str, scope: Scope | None) -> tuple[UUID, ...]:
    found: dict[UUID, None] = {}
    for name in names:
        parameters = {"name": name, "org_id": scope.org_id if scope else None}
        ids = [row[0] for row in connection.execute(queries[query], parameters)]
        if not ids:
            hint = "see which have usage: aias analytics usage --org SLUG"
            raise NotFound(f"There is no {what} '{name}'", hint=hint)
        found |= dict.fromkeys(ids)
    return tuple(found)

"""Organizations: the tenants of the platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from aias_core import ids
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class SlugTaken(Conflict):
    """An organization with this slug exists"""

    code = "slug_taken"


def create_organization(
    connection: Connection, slug: str, display_name: str | None = None, *, kind: str = "customer", currency: str = "USD"
) -> dict[str, Any]:
    """A new active organization. Raises InvalidInput for a bad slug or name, SlugTaken when the slug exists."""
    if not _SLUG.fullmatch(slug) or not 2 <= len(slug) <= 63:
        raise InvalidInput(
            f"'{slug}' is not a slug",
            hint="2 to 63 characters: lower-case letters, digits and single hyphens, a letter first",
        )
    name = display_name or slug
    if not 1 <= len(name) <= 200:
        raise InvalidInput("A display name has 1 to 200 characters")
    values = {"org_id": ids.new_id(), "slug": slug, "display_name": name, "kind": kind, "currency": currency}
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_queries["insert_organization"], values).fetchone() or {}
    except psycopg.errors.UniqueViolation as exc:
        raise SlugTaken(f"The organization '{slug}' exists", hint="use it, or see: aias org list") from exc


def list_organizations(connection: Connection) -> list[dict[str, Any]]:
    """All organizations, by slug."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_queries["list_organizations"]).fetchall()


def get_organization(connection: Connection, org: str) -> dict[str, Any]:
    """The organization with a slug or id. Raises NotFound."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_queries["find_organization"], {"org": org}).fetchone()
    if row is None:
        raise NotFound(f"There is no organization '{org}'", hint="see: aias org list")
    return row

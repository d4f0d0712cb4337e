"""Names and prices in the analytics database: a copy, because no query crosses databases."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.database.queries import load_queries
from aias_core.errors import NotFound

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


def sync_dimensions(operational: Connection, analytics: Connection) -> None:
    """Copies organizations, models and prices; repeating it changes nothing."""
    with analytics.transaction(), analytics.cursor() as cursor:
        for read, upsert in (
            ("read_organizations", "upsert_organization"),
            ("read_models", "upsert_model"),
            ("read_prices", "upsert_price"),
        ):
            cursor.executemany(_queries[upsert], operational.execute(_queries[read]).fetchall())


def get_organization(connection: Connection, org: str) -> tuple[UUID, str]:
    """Id and slug of an organization named by either. Raises NotFound listing a few that exist."""
    row = connection.execute(_queries["find_organization"], {"org": org}).fetchone()
    if row is None:
        known = [slug for (slug,) in connection.execute(_queries["list_organization_slugs"]).fetchmany(5)]
        listed = f"there are: {', '.join(known)}" if known else "create one with: aias org create SLUG"
        raise NotFound(f"There is no organization '{org}'", hint=listed)
    return row[0], row[1]

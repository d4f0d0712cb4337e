"""Names and prices in the analytics database: a copy, because no query crosses databases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core.database.queries import load_queries
from aias_core.errors import NotFound

if TYPE_CHECKING:
    from psycopg import Connection

KINDS = ("organizations", "projects", "keys", "models", "prices")

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Synced:
    """How many rows of one kind were new, and how many had changed."""

    kind: str
    added: int
    changed: int

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def sync_dimensions(operational: Connection, analytics: Connection) -> list[Synced]:
    """Copies organizations, projects, keys, models and prices, and says what was new; repeating it changes nothing.

    Facts that waited for one of the new prices get their verdict.
    """
    with analytics.transaction():
        synced = [_sync(operational, analytics, kind) for kind in KINDS]
    recheck_costs(analytics)  # each time: a batch may commit after the sync that brought its price
    return synced


def recheck_costs(connection: Connection) -> int:
    """Gives facts whose price row has come a verdict on their cost; returns how many. Amounts stay as sent."""
    return connection.execute(_queries["recheck_costs"]).rowcount


def _sync(operational: Connection, analytics: Connection, kind: str) -> Synced:
    before = _count(analytics, kind)
    with analytics.cursor() as cursor:
        cursor.executemany(_queries[f"upsert_{kind}"], operational.execute(_queries[f"read_{kind}"]).fetchall())
        touched = max(cursor.rowcount, 0)
    added = _count(analytics, kind) - before
    return Synced(kind, added, touched - added)


def _count(analytics: Connection, kind: str) -> int:
    [count] = analytics.execute(_queries[f"count_{kind}"]).fetchone() or (0,)
    return int(count)


def get_organization(connection: Connection, org: str) -> tuple[UUID, str]:
    """Id and slug of an organization named by either. Raises NotFound, which tells of no other."""
    row = connection.execute(_queries["find_organization"], {"org": org}).fetchone()
    if row is None:
        raise NotFound(f"There is no organization '{org}'", hint="see which there are with: aias org list")
    return row[0], row[1]

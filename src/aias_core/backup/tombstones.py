"""Who was erased, carried along with backups: an older copy must not bring them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.errors import DependencyUnreachable

if TYPE_CHECKING:
    from aias_core.secret import Secret

Tombstone = Mapping[str, Any]
"""A request for erasure whose subject is gone or going."""
Prepare = Callable[[Mapping[str, "Secret"], Sequence[Tombstone]], None]
"""What is done to restored databases, by their addresses, before they may serve."""

_queries = load_queries(__file__)


def read_tombstones(operational: Secret) -> list[Tombstone]:
    """Those of a database, oldest first; none where the schema has no such table."""
    with connect(operational, "database 'operational'") as connection:
        if connection.execute(_queries["has_tombstones"]).fetchone() != (True,):
            return []
        return [row for (row,) in connection.execute(_queries["list_tombstones"])]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Who was erased, each once. `unread` says why what the live database knows beyond the backups is not among it."""

    tombstones: Sequence[Tombstone]
    unread: str | None = None


def gather_tombstones(live: Secret, *kept: Iterable[Tombstone]) -> Gathered:
    """Those of the live database, and those that were kept elsewhere; the live one knows best how far each has come.

    A live database that is lost is what backups are for, so that is told and no error; any other failure is one.
    """
    found, unread = {item["request_id"]: item for items in kept for item in items}, None
    try:
        found |= {item["request_id"]: item for item in read_tombstones(live)}
    except DependencyUnreachable as exc:
        unread = exc.message
    return Gathered(list(found.values()), unread)

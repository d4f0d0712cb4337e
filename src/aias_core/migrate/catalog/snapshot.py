"""The objects of a live database, and the hash that stands for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

KINDS = (
    "schema",
    "type",
    "sequence",
    "function",
    "table",
    "column",
    "constraint",
    "index",
    "foreign_key",
    "view",
    "trigger",
    "row_security",
    "policy",
    "grant",
    "column_grant",
    "comment",
)
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """One object: what kind, its qualified name, its table if it has one, and the SQL that makes and removes it.

    `facts` hold what documents and checks read of it; they never decide whether two objects are equal.
    """

    kind: str
    name: str
    table: str | None
    made_by: str
    removed_by: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> tuple[int, str]:
        return _RANK[self.kind], self.name


@dataclass(frozen=True, slots=True)
class Catalog:
    """All objects of a database in the order in which they can be made."""

    objects: tuple[CatalogObject, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over kind, name and definition of each object; the same on every server version and machine."""
        digest = hashlib.sha256()
        for item in self.objects:
            digest.update(f"{item.kind}\0{item.name}\0{item.made_by}\n".encode())
        return digest.hexdigest()

    def list_kind(self, kind: str, table: str | None = None) -> list[CatalogObject]:
        return [o for o in self.objects if o.kind == kind and (table is None or o.table == table)]


def build_catalog(objects: Iterable[CatalogObject]) -> Catalog:
    return Catalog(tuple(sorted(objects, key=lambda item: item.key)))


def read_catalog(connection: Connection) -> Catalog:
    """What the database holds now, in one statement; inside or outside a transaction."""
    with connection.transaction():
        connection.execute(_queries["pin_search_path"])
        rows = connection.execute(_queries["list_objects"]).fetchall()
    return build_catalog(
        CatalogObject(kind, name, table, made_by, removed_by, facts or {})
        for kind, name, table, made_by, removed_by, facts in rows
    )


def list_invalid_indexes(connection: Connection) -> list[str]:
    """Indexes that a broken concurrent build left behind."""
    return [name for (name,) in connection.execute(_queries["list_invalid_indexes"])]


def list_unvalidated_constraints(connection: Connection) -> list[str]:
    """Constraints that were added NOT VALID and never validated."""
    return [name for (name,) in connection.execute(_queries["list_unvalidated_constraints"])]

"""The objects of a live database, and the hash that stands for all of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

Key = tuple[str, str]
Row = tuple[Any, ...]
UNQUALIFIED_SINCE = 160000
_KIND, _MADE_BY = 1, 4
KINDS = (
    "schema",
    "type",
    "domain_constraint",
    "sequence",
    "function",
    "table",
    "partition",
    "column",
    "column_option",
    "default",
    "sequence_owner",
    "constraint",
    "index",
    "index_option",
    "statistics",
    "foreign_key",
    "view",
    "rule",
    "trigger",
    "trigger_state",
    "row_security",
    "policy",
    "replica_identity",
    "owner",
    "revoke",
    "grant",
    "grant_option",
    "default_privilege",
    "comment",
    "unwritable",
)
RANK = {kind: rank for rank, kind in enumerate(KINDS)}

_queries = load_queries(__file__)
_DEFINITIONS = "SELECT kind, name, made_by FROM (" + _queries["list_objects"] + ") objects"  # noqa: S608, both parts are ours


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """One object: what kind, its qualified name, its table if it has one, and the SQL that makes and removes it.

    `facts` hold what documents and checks read of it, `needs` the keys of what must be there before it; neither
    decides whether two objects are equal. The first of its needs is what an object such as a comment is about.
    """

    kind: str
    name: str
    table: str | None
    made_by: str
    removed_by: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    needs: tuple[Key, ...] = field(default=(), compare=False)

    @property
    def key(self) -> Key:
        return self.kind, self.name


@dataclass(frozen=True)
class Catalog:
    """All objects of a database, by kind and then by name."""

    objects: tuple[CatalogObject, ...]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over kind, name and definition of each object; the same on every server version and machine."""
        return _hash((o.kind, o.name, o.made_by) for o in self.objects)

    @cached_property
    def by_key(self) -> dict[Key, CatalogObject]:
        return {o.key: o for o in self.objects}

    def list_kind(self, kind: str, table: str | None = None) -> list[CatalogObject]:
        """The objects of one kind, of one table or of all, by name."""
        return self._by_kind[kind] if table is None else self._by_table[kind, table]

    @cached_property
    def _by_kind(self) -> dict[str, list[CatalogObject]]:
        return _group((o.kind, o) for o in self.objects)

    @cached_property
    def _by_table(self) -> dict[tuple[str, str | None], list[CatalogObject]]:
        return _group(((o.kind, o.table), o) for o in self.objects)


def build_catalog(objects: Iterable[CatalogObject]) -> Catalog:
    return Catalog(tuple(sorted(objects, key=lambda o: (RANK[o.kind], o.name))))


def read_catalog(connection: Connection) -> Catalog:
    """What the database holds now, with what each object depends on; inside or outside a transaction."""
    with _pinned(connection):
        rows = _write_alike(connection, connection.execute(_queries["list_objects"]).fetchall(), _KIND, _MADE_BY)
        edges = connection.execute(_queries["list_dependencies"]).fetchall()
    keys = {identity: (kind, name) for identity, kind, name, *_ in rows if identity}
    needed: dict[str, list[str]] = defaultdict(list)
    for dependent, other in edges:
        needed[_find_identity(dependent, keys)].append(_find_identity(other, keys))
    return build_catalog(_build_object(row, needed, keys) for row in rows)


def read_fingerprint(connection: Connection) -> str:
    """The fingerprint of `read_catalog`, sooner: without what objects depend on."""
    with _pinned(connection):
        rows = _write_alike(connection, connection.execute(_DEFINITIONS).fetchall(), 0, -1)
    rows.sort(key=lambda row: (RANK[row[0]], row[1]))
    return _hash(rows)


def list_invalid_indexes(connection: Connection) -> list[str]:
    """Indexes that a broken concurrent build left behind."""
    return [name for (name,) in connection.execute(_queries["list_invalid_indexes"])]


def list_unvalidated_constraints(connection: Connection) -> list[str]:
    """Constraints that were added NOT VALID and never validated."""
    return [name for (name,) in connection.execute(_queries["list_unvalidated_constraints"])]


def _write_alike(connection: Connection, rows: list[Row], kind: int, made_by: int) -> list[Row]:
    """The rows with definitions as the newest servers write them; `kind` and `made_by` are columns."""
    if connection.info.server_version >= UNQUALIFIED_SINCE:
        return rows
    from aias_core.migrate.catalog.views import unqualify

    for number, row in enumerate(rows):
        if row[kind] == "view":
            cells = list(row)
            cells[made_by] = unqualify(row[made_by])
            rows[number] = tuple(cells)
    return rows


@contextmanager
def _pinned(connection: Connection) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        connection.execute(_queries["pin_settings"])
        yield


def _build_object(row: tuple[Any, ...], needed: Mapping[str, list[str]], keys: Mapping[str, Key]) -> CatalogObject:
    identity, kind, name, table, made_by, removed_by, facts, belongs_to = row
    others = [*(belongs_to or ()), *(needed.get(identity, ()) if identity else ())]
    found = dict.fromkeys(keys[i] for i in (_find_identity(other, keys) for other in others) if i in keys)
    found.pop((kind, name), None)
    return CatalogObject(kind, name, table, made_by, removed_by, facts or {}, tuple(found))


def _find_identity(identity: str, keys: Mapping[str, Key]) -> str:
    """The identity itself where it is an object's; else, as for a column of a view, that of the whole."""
    return identity if identity in keys else identity.rpartition(".")[0] + ".0"


def _group(pairs: Iterable[tuple[Any, CatalogObject]]) -> dict[Any, list[CatalogObject]]:
    groups: dict[Any, list[CatalogObject]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return groups


def _hash(definitions: Iterable[tuple[str, ...]]) -> str:
    return hashlib.sha256("".join("\0".join(parts) + "\n" for parts in definitions).encode()).hexdigest()

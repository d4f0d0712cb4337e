"""What erasure does with each table, from the data policy: one condition a table, in an order foreign keys allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

from psycopg import sql

from aias_core.database.queries import load_queries
from aias_core.protection.policy import DataPolicy, TablePolicy
from aias_core.retention.order import order_tables

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.protection.policy import Erasure, SubjectKind

DATABASES = ("analytics", "operational")
"""In the order of erasure: the operational database knows which keys a person held, so it is the last."""

_BATCHED = {"delete_usage_facts"}
_AFTER = {"event_receipts": {"usage_facts"}}

queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Subject:
    """A person or an organization; a person also by the ids of the keys they hold."""

    kind: SubjectKind
    id: UUID
    keys: tuple[UUID, ...] = ()

    def parameters(self) -> dict[str, Any]:
        """What conditions bind: ids, their texts with and without the kind before them, a pattern of all."""
        ids = [self.id, *self.keys]
        names = [str(item) for item in ids]
        prefixed = [f"{self.kind}:{self.id}", *(f"api_key:{key}" for key in self.keys)]
        return {
            "id": self.id,
            "ids": ids,
            "names": [*names, *prefixed],
            "pattern": "|".join(names),
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """The rows of one table that belong to a subject, and what becomes of them."""

    database: str
    table: str
    action: Erasure
    condition: sql.Composable

    @property
    def name(self) -> str:
        return f"{self.database}.{self.table}"

    def count(self, connection: Connection, parameters: Mapping[str, Any]) -> int:
        """How many rows still tell something of the subject."""
        known = queries.get(f"count_known_{self.table}")
        table = sql.Identifier("aias", self.table)
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table, self.condition)
        row = connection.execute(sql.SQL(known) if known else statement, parameters).fetchone()
        return int(row[0]) if row else 0

    def apply(self, connection: Connection, parameters: Mapping[str, Any]) -> Iterator[None]:
        """Does it, batch by batch where the rows may be many; what is done stays done."""
        statement = self._build_statement()
        while connection.execute(statement, parameters).rowcount and self._own in _BATCHED:
            yield

    @property
    def _own(self) -> str:
        return f"{self.action}_{self.table}"

    def _build_statement(self) -> sql.SQL | sql.Composed:
        table = sql.Identifier("aias", self.table)
        if self._own in queries:
            return sql.SQL(queries[self._own])
        if self.action == "pseudonymize":
            return sql.SQL(queries["rename_keys"]).format(table=table)
        return sql.SQL("DELETE FROM {} WHERE {}").format(table, self.condition)


@dataclass(frozen=True, slots=True)
class _Catalogue:
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)


def list_rules(connection: Connection, database: str, kind: SubjectKind, policy: DataPolicy) -> list[Rule]:
    """The rules of a database for a kind of subject, in order; tables that an older schema lacks have none."""
    catalogue = _read_catalogue(connection)
    tables = {name: table for name, table in policy.tables(database).items() if _is_touched(table, kind)}
    tables = {name: table for name, table in tables.items() if name in catalogue.columns}
    readers = {table: set(first) for table, first in _AFTER.items()}
    for name, table in tables.items():
        for path in (*table.subject[kind], *_hash_owners(table, kind)):
            if owner := path.rpartition(".")[0]:
                readers.setdefault(owner, set()).add(name)
    return [
        Rule(
            database,
            name,
            tables[name].erasure.get(kind, "delete"),
            _build_condition(name, tables[name], kind, catalogue),
        )
        for name in order_tables(connection, tables, readers)
    ]


def list_kept(database: str, kind: SubjectKind, policy: DataPolicy) -> list[str]:
    """The tables whose rows of a subject stay as they are; the policy says why."""
    tables = policy.tables(database).items()
    return sorted(f"{database}.{name}" for name, table in tables if table.erasure.get(kind) == "keep")


def _is_touched(table: TablePolicy, kind: SubjectKind) -> bool:
    return kind in table.subject and table.erasure.get(kind) != "keep"


def _hash_owners(table: TablePolicy, kind: SubjectKind) -> list[str]:
    return ["user_email_hashes.user_id" for path in table.subject[kind] if path == "email_hash"]


def _read_catalogue(connection: Connection) -> _Catalogue:
    found = _Catalogue()
    for table, column, kind in connection.execute(queries["list_columns"]):
        found.columns.setdefault(table, {})[column] = kind
    for table, columns in connection.execute(queries["list_keys"]):
        found.keys[table] = columns
    return found


def _build_condition(name: str, table: TablePolicy, kind: SubjectKind, catalogue: _Catalogue) -> sql.Composable:
    parts = [_build_part(name, path, catalogue) for path in table.subject[kind]]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts))


def _build_part(table: str, path: str, catalogue: _Catalogue) -> sql.Composable:
    """The rows that a path leads to; by way of another table where their keys have the same names."""
    owner, _, column = path.rpartition(".")
    if not owner:
        return _build_comparison(column, catalogue.columns[table][column])
    keys = sql.SQL(", ").join(map(sql.Identifier, catalogue.keys[owner]))
    there = _build_comparison(column, catalogue.columns[owner][column])
    return sql.SQL("({}) IN (SELECT {} FROM {} WHERE {})").format(keys, keys, sql.Identifier("aias", owner), there)


def _build_comparison(column: str, kind: str) -> sql.Composable:
    if column == "email_hash":
        return sql.SQL(queries["match_email_hash"])
    form: dict[str, LiteralString] = {
        "uuid": "{} = ANY (%(ids)s)",
        "bytea": "encode({}, 'escape') ~* %(pattern)s",
        "jsonb": "coalesce({}::text, '') ~* %(pattern)s",
    }
    return sql.SQL(form.get(kind, "{} = ANY (%(names)s)")).format(sql.Identifier(column))

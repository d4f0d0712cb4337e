"""The outline of a schema as its migration files build it: what must be known to judge a statement without a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from aias_core.migrate.nodes import (
    STEADY_FUNCTIONS,
    is_not_null_test,
    join_name,
    list_functions,
)

ConstraintKind = Literal["PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUSION", "NOTNULL"]
RelationKind = Literal["table", "view", "matview", "sequence"]
SUFFIXES: dict[ConstraintKind, str] = {
    "PRIMARY": "pkey",
    "UNIQUE": "key",
    "CHECK": "check",
    "FOREIGN": "fkey",
    "EXCLUSION": "excl",
    "NOTNULL": "not_null",
}


class Place(NamedTuple):
    """Where a file says something."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    place: Place
    not_null: bool = False
    commented: bool = False


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table; `references` is the table a foreign key points to."""

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...]
    place: Place
    valid: bool = True
    references: str | None = None
    expression: Any = field(default=None, compare=False, repr=False)
    nulls_not_distinct: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index; a column that is an expression is an empty string."""

    name: str
    table: str
    columns: tuple[str, ...]
    place: Place
    unique: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    place: Place
    before_update: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or sequence; `key` holds the columns of a partition key, `owner` the table of a sequence."""

    name: str
    place: Place
    kind: RelationKind = "table"
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    policies: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    parent: str | None = None
    owner: str | None = None
    is_default: bool = False
    row_security: bool = False
    forced: bool = False
    commented: bool = False

    def list_constraints(self, *kinds: ConstraintKind) -> list[Constraint]:
        return [constraint for constraint in self.constraints.values() if constraint.kind in kinds]

    def is_proven_not_null(self, column: str) -> bool:
        """Whether a validated constraint says that a column has no nulls, so that nobody need look at the rows."""
        known = self.columns.get(column)
        return (known is not None and known.not_null) or any(
            c.valid and (is_not_null_test(c.expression) == column if c.kind == "CHECK" else column in c.columns)
            for c in self.list_constraints("CHECK", "NOTNULL", "PRIMARY")
        )


@dataclass(slots=True)
class Outline:
    """All that earlier files made, and, in `made`, what the present file did: nobody else can wait for that."""

    relations: dict[str, Relation] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def copy(self) -> Outline:
        """An outline that can be changed on its own; the values in it never change."""
        return Outline(dict(self.relations), dict(self.indexes), dict(self.enums), dict(self.functions), set(self.made))

    def change(self, name: str, **changes: Any) -> None:
        """Replaces fields of a relation; one that no file made stays unknown."""
        if relation := self.relations.get(name):
            self.relations[name] = replace(relation, **changes)

    def list_partitions(self, parent: str) -> list[Relation]:
        """The partitions of a table, and theirs."""
        found = [relation for relation in self.relations.values() if relation.parent == parent]
        return found + [deeper for part in found for deeper in self.list_partitions(part.name)]

    def find_default_partition(self, parent: str) -> Relation | None:
        parts = (relation for relation in self.relations.values() if relation.parent == parent)
        return next((part for part in parts if part.is_default), None)

    def list_sequences(self, table: str) -> list[str]:
        """The sequences that belong to columns of a table."""
        return [relation.name for relation in self.relations.values() if relation.owner == table]

    def list_referencing(self, name: str) -> set[str]:
        """The tables with a foreign key to one."""
        return {r.name for r in self.relations.values() for c in r.list_constraints("FOREIGN") if c.references == name}

    def list_users_of_type(self, type_name: str) -> set[str]:
        return {r.name for r in self.relations.values() for c in r.columns.values() if c.type == type_name}

    def list_indexes(self, table: str) -> Iterator[Index]:
        """The indexes of a table, those of its keys included."""
        yield from (index for index in self.indexes.values() if index.table == table)
        if relation := self.relations.get(table):
            for key in relation.list_constraints("PRIMARY", "UNIQUE"):
                yield Index(key.name, table, key.columns, key.place, unique=True)

    def find_index_table(self, name: str) -> str | None:
        """The table of an index, which may be named with its schema or without."""
        index = self.indexes.get(name)
        if index is not None:
            return index.table
        owners = (
            r
            for r in self.relations.values()
            for c in r.list_constraints("PRIMARY", "UNIQUE", "EXCLUSION")
            if join_name(schema_of(r.name), c.name) == name
        )
        return next((owner.name for owner in owners), None)

    def is_volatile(self, expression: Any) -> bool:
        """Whether an expression may have another value for each row."""
        return any(
            self.functions.get(name, "volatile") == "volatile"
            for name in list_functions(expression)
            if name not in STEADY_FUNCTIONS
        )


def schema_of(name: str) -> str | None:
    return name.rpartition(".")[0] or None


def base_of(name: str) -> str:
    return name.rpartition(".")[2]

"""Puts rows into tables by their keys, and takes them out again; says of each table what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from aias_core.errors import Conflict
from aias_core.seeds.rows import Table

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

SCHEMA = "aias"


class NotOfThePackage(Conflict):
    """A row of the same name is not of the package, or hangs on one that is"""

    code = "not_of_the_package"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of one table."""

    table: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0

    @property
    def is_change(self) -> bool:
        return bool(self.inserted or self.updated or self.removed)

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def apply_tables(connection: Connection, tables: Sequence[Table]) -> list[Outcome]:
    """Inserts what is missing and updates what differs. Raises NotOfThePackage for a name that is taken."""
    with _explained():
        return [_apply(connection, table) for table in tables if table.rows]


def remove_tables(connection: Connection, tables: Sequence[Table]) -> list[Outcome]:
    """Deletes the rows, last table first. Raises NotOfThePackage when a row of somebody else hangs on one of them."""
    with _explained():
        return [_remove(connection, table) for table in reversed(tables)]


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UniqueViolation as exc:
        raise NotOfThePackage(
            f"'{exc.diag.table_name}' has a row of the same name that is not of the package "
            f"({exc.diag.constraint_name})",
            hint="remove the other package first: aias db seed --package NAME --reset",
        ) from exc
    except (psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation) as exc:
        raise NotOfThePackage(
            f"'{exc.diag.table_name}' has rows that are not of the package and hang on it ({exc.diag.constraint_name})",
            hint="remove what was added by hand, then run it again",
        ) from exc


def _apply(connection: Connection, table: Table) -> Outcome:
    with connection.cursor() as cursor:
        cursor.executemany(_build_upsert(table), [list(row.values()) for row in table.rows], returning=True)
        made = list(_iter_values(cursor))
    inserted, updated = made.count(True), made.count(False)
    unchanged = len(table.rows) - inserted - updated
    if table.append_only and unchanged:
        _check_same(connection, table)
    return Outcome(table.name, inserted, updated, unchanged)


def _build_upsert(table: Table) -> sql.Composed:
    name, columns = sql.Identifier(SCHEMA, table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    values, key = sql.SQL(", ").join(sql.Placeholder() * len(table.columns)), _list(table.key)
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO ").format(name, columns, values, key)
    if not table.changing:
        return insert + sql.SQL("NOTHING RETURNING true")
    old, new = _list(table.changing, table.name), _list(table.changing, "excluded")
    return insert + sql.SQL(
        "UPDATE SET ({}) = ROW({}) WHERE ROW({}) IS DISTINCT FROM ROW({}) RETURNING xmax = 0"
    ).format(_list(table.changing), new, old, new)


def _check_same(connection: Connection, table: Table) -> None:
    """Raises NotOfThePackage when a row that cannot be changed is there with another content."""
    statement = sql.SQL("SELECT ROW({}) IS NOT DISTINCT FROM ROW({}) FROM {} WHERE ({}) = ({})").format(
        _list(table.columns),
        sql.SQL(", ").join(sql.Placeholder() * len(table.columns)),
        sql.Identifier(SCHEMA, table.name),
        _list(table.key),
        sql.SQL(", ").join(sql.Placeholder() * len(table.key)),
    )
    with connection.cursor() as cursor:
        parameters = [[*row.values(), *(row[column] for column in table.key)] for row in table.rows]
        cursor.executemany(statement, parameters, returning=True)
        if not all(_iter_values(cursor)):
            raise NotOfThePackage(
                f"'{table.name}' is never rewritten and has a row of the package with another content",
                hint="remove the package first: aias db seed --package NAME --reset",
            )


def _iter_values(cursor: Cursor) -> Iterator[bool]:
    is_more: bool | None = True
    while is_more:
        yield from (value for (value,) in cursor.fetchall())
        is_more = cursor.nextset()


def _remove(connection: Connection, table: Table) -> Outcome:
    statement = sql.SQL("DELETE FROM {} WHERE ({}) = ({})").format(
        sql.Identifier(SCHEMA, table.name), _list(table.key), sql.SQL(", ").join(sql.Placeholder() * len(table.key))
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[row[column] for column in table.key] for row in table.rows])
        return Outcome(table.name, removed=cursor.rowcount)


def _list(columns: Sequence[str], qualifier: str | None = None) -> sql.Composed:
    names = (sql.Identifier(column) if qualifier is None else sql.Identifier(qualifier, column) for column in columns)
    return sql.SQL(", ").join(names)

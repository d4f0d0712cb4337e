"""What a database holds, as numbers to compare: its schema version, and rows and a checksum of each table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Contents:
    """A database at one moment. A table's checksum is the sum of 64-bit hashes of its rows: the order is no matter."""

    schema_version: str | None
    bytes: int
    tables: Mapping[str, tuple[int, str]]

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())

    def as_record(self) -> dict[str, Any]:
        tables = {name: {"rows": rows, "checksum": checksum} for name, (rows, checksum) in self.tables.items()}
        return {"schema_version": self.schema_version, "bytes": self.bytes, "rows": self.rows, "tables": tables}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Contents:
        tables = {name: (table["rows"], table["checksum"]) for name, table in record["tables"].items()}
        return cls(record["schema_version"], record["bytes"], tables)


def read_contents(connection: Connection) -> Contents:
    """Reads every row of a database, on all cores; in a repeatable-read transaction all of it at one moment."""
    connection.execute(_queries["set_parallel_workers"], [str(os.cpu_count() or 1)])
    tables = connection.execute(_queries["list_tables"]).fetchall()
    return Contents(
        schema_version=_read_schema_version(connection),
        bytes=_read_one(connection, "read_size"),
        tables={f"{schema}.{table}": _sum_rows(connection, schema, table) for schema, table in tables},
    )


def compare(expected: Contents, found: Contents) -> list[str]:
    """The differences in words; nothing when the two hold the same rows under the same schema version."""
    differences = []
    if expected.schema_version != found.schema_version:
        differences.append(f"schema version is {found.schema_version}, not {expected.schema_version}")
    for name in sorted({*expected.tables, *found.tables}):
        before, after = expected.tables.get(name), found.tables.get(name)
        if before is None or after is None:
            differences.append(f"table '{name}' is {'missing' if after is None else 'unexpected'}")
        elif before[0] != after[0]:
            differences.append(f"table '{name}' has {after[0]} rows, not {before[0]}")
        elif before != after:
            differences.append(f"table '{name}' has other rows")
    return differences


def _read_schema_version(connection: Connection) -> str | None:
    if not _read_one(connection, "has_history"):
        return None
    version: str | None = _read_one(connection, "read_schema_version")
    return version


def _sum_rows(connection: Connection, schema: str, table: str) -> tuple[int, str]:
    name = sql.Identifier(schema, table)
    try:
        with connection.transaction():
            return connection.execute(sql.SQL(_queries["sum_rows"]).format(name)).fetchall()[0]
    except psycopg.errors.UndefinedFunction:  # a column of a type that has no hash, such as json
        return connection.execute(sql.SQL(_queries["sum_rows_as_text"]).format(name)).fetchall()[0]


def _read_one(connection: Connection, query: LiteralString) -> Any:
    return connection.execute(_queries[query]).fetchall()[0][0]

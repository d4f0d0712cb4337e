"""Rows that reverting a file would lose, counted before anything is reverted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from aias_core.migrate.plan import Step
from aias_core.migrate.statements import Statement

if TYPE_CHECKING:
    from psycopg import Connection

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Loss:
    """A table or column that goes while it holds rows; the count stops at 10,000."""

    version: str
    target: str
    rows: int

    def __str__(self) -> str:
        count = f"{self.rows}" if self.rows < MOST_COUNTED else f"{MOST_COUNTED} or more"
        return f"{count} rows of {self.target}"


def count_losses(connection: Connection, steps: tuple[Step, ...]) -> list[Loss]:
    """What the steps would drop that is not empty; a table that is not there has nothing to lose."""
    losses = []
    for step in steps:
        for planned in step.statements:
            for target, query in _iter_counts(planned.statement):
                rows = _count(connection, query)
                if rows:
                    losses.append(Loss(step.migration.version, target, rows))
    return losses


def _iter_counts(statement: Statement) -> Iterator[tuple[str, sql.Composed]]:
    from pglast.enums import AlterTableType, ObjectType

    node = statement.node
    match type(node).__name__:
        case "DropStmt" if node.removeType in (ObjectType.OBJECT_TABLE, ObjectType.OBJECT_MATVIEW):
            for item in node.objects:
                yield _count_of([part.sval for part in item], None)
        case "DropStmt" if node.removeType == ObjectType.OBJECT_SCHEMA:
            return
        case "TruncateStmt":
            for relation in node.relations:
                yield _count_of(_parts(relation), None)
        case "DeleteStmt":
            yield _count_of(_parts(node.relation), None)
        case "AlterTableStmt":
            for command in node.cmds:
                if command.subtype == AlterTableType.AT_DropColumn:
                    yield _count_of(_parts(node.relation), command.name)


def _parts(relation: Any) -> list[str]:
    return [part for part in (relation.schemaname, relation.relname) if part]


def _count_of(parts: list[str], column: str | None) -> tuple[str, sql.Composed]:
    table = sql.Identifier(*parts)
    condition = sql.SQL("true") if column is None else sql.SQL("{} IS NOT NULL").format(sql.Identifier(column))
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} WHERE {} LIMIT {}) bounded").format(
        table, condition, sql.Literal(MOST_COUNTED)
    )
    return ".".join(parts if column is None else [*parts, column]), query


def _count(connection: Connection, query: sql.Composed) -> int:
    import psycopg

    try:
        with connection.transaction():
            row = connection.execute(query).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        return 0
    return int(row[0]) if row else 0

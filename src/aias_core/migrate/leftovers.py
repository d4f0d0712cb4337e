"""What a killed concurrent statement leaves behind, cleared before the statement runs again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from psycopg import sql

from aias_core.migrate.history import queries
from aias_core.migrate.statements import Statement

if TYPE_CHECKING:
    from psycopg import Connection


def clear_leftovers(connection: Connection, statement: Statement, progress: Callable[[str], None]) -> bool:
    """True when the statement had in fact done its work before its run was killed; else its remains are removed."""
    node = statement.node
    match type(node).__name__:
        case "IndexStmt":
            return _clear_index(connection, _qualify(node.relation.schemaname, node.idxname), progress)
        case "DropStmt":
            return all(_find_validity(connection, _name_of(item)) is None for item in node.objects)
        case "ReindexStmt":
            _clear_reindex(connection, progress)
        case "AlterTableStmt":
            return _finish_detach(connection, node)
    return False


def _clear_index(connection: Connection, name: sql.Identifier, progress: Callable[[str], None]) -> bool:
    valid = _find_validity(connection, name)
    if valid is False:
        progress(f"Dropping the invalid index {name.as_string(connection)} of a run that was killed")
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
    return valid is True


def _clear_reindex(connection: Connection, progress: Callable[[str], None]) -> None:
    for schema, index in connection.execute(queries["list_reindex_leftovers"]).fetchall():
        _clear_index(connection, sql.Identifier(schema, index), progress)


def _finish_detach(connection: Connection, node: Any) -> bool:
    parent = _qualify(node.relation.schemaname, node.relation.relname)
    part = node.cmds[0].def_.name
    child = _qualify(part.schemaname, part.relname)
    names = {"parent": parent.as_string(connection), "child": child.as_string(connection)}
    row = connection.execute(queries["find_detachment"], names).fetchone()
    if row and row[0]:
        connection.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE").format(parent, child))
    return row is None or bool(row[0])


def _find_validity(connection: Connection, name: sql.Identifier) -> bool | None:
    row = connection.execute(queries["find_index"], {"name": name.as_string(connection)}).fetchone()
    return None if row is None else bool(row[0])


def _qualify(schema: str | None, name: str) -> sql.Identifier:
    return sql.Identifier(schema, name) if schema else sql.Identifier(name)


def _name_of(item: Any) -> sql.Identifier:
    return sql.Identifier(*(part.sval for part in item))

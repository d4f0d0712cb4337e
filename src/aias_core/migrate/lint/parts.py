"""A statement as the parts that rules look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aias_core.migrate.nodes import join_strings, kind_of, name_of
from aias_core.migrate.statements import Statement

_DROPPED_FROM_TABLE = {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"}
_RELATION_OF = {
    **{"CreateTrigStmt": "relation", "IndexStmt": "relation", "UpdateStmt": "relation", "DeleteStmt": "relation"},
    **{"RenameStmt": "relation", "AlterObjectSchemaStmt": "relation", "ReindexStmt": "relation"},
    **{"ClusterStmt": "relation", "RefreshMatViewStmt": "relation", "CopyStmt": "relation"},
    **{"CreatePolicyStmt": "table", "AlterPolicyStmt": "table", "AlterSeqStmt": "sequence"},
}


@dataclass(frozen=True, slots=True)
class Part:
    """A node, the kind under which rules ask for it, and the object it changes: a table, or `type x`, or `schema x`.

    Kinds are `statement` (every one), node types (`IndexStmt`), commands of ALTER TABLE (`AT_DropColumn`), constraints
    added to a table (`ADD_UNIQUE`), `column` for one added to a table, `type` for the type that any column is given.
    """

    kind: str
    node: Any
    target: str | None
    detail: str = ""

    @property
    def subject(self) -> str:
        """The object as a message names it."""
        return ".".join(filter(None, (self.target, self.detail)))


def iter_parts(statement: Statement) -> Iterator[Part]:
    """The parts of a statement, the whole of it first."""
    node, kind = statement.node, kind_of(statement.node)
    yield Part("statement", node, None)
    match kind:
        case "AlterTableStmt":
            yield from _alter_parts(node)
        case "CreateStmt":
            yield Part(kind, node, name_of(node.relation))
            for element in node.tableElts or ():
                if kind_of(element) == "ColumnDef":
                    yield from _type_parts(name_of(node.relation), element)
        case "DropStmt":
            yield from _drop_parts(node)
        case "TruncateStmt" | "LockStmt":
            for relation in node.relations:
                yield Part(kind, node, name_of(relation))
        case "VacuumStmt":
            for item in node.rels or (None,):
                yield Part(kind, node, name_of(item.relation) if item else None)
        case "AlterEnumStmt" | "AlterDomainStmt":
            yield Part(kind, node, f"type {join_strings(node.typeName)}")
        case "CreateDomainStmt":
            yield Part("type", node.typeName, f"type {join_strings(node.domainname)}")
        case _:
            relation = getattr(node, _RELATION_OF.get(kind, ""), None)
            yield Part(kind, node, name_of(relation) if relation is not None else None)


def _alter_parts(node: Any) -> Iterator[Part]:
    table = name_of(node.relation)
    for command in node.cmds:
        kind = command.subtype.name
        yield Part(kind, command, table, command.name or "")
        if kind == "AT_AddColumn":
            yield Part("column", command.def_, table, command.def_.colname)
            yield from _type_parts(table, command.def_)
        elif kind == "AT_AlterColumnType":
            yield Part("type", command.def_.typeName, table, command.name)
        elif kind == "AT_AddConstraint":
            yield Part(
                command.def_.contype.name.replace("CONSTR", "ADD"), command.def_, table, command.def_.conname or ""
            )


def _type_parts(table: str, column: Any) -> Iterator[Part]:
    if column.typeName is not None:
        yield Part("type", column.typeName, table, column.colname)


def _drop_parts(node: Any) -> Iterator[Part]:
    kind = node.removeType.name
    for item in node.objects:
        if kind in _DROPPED_FROM_TABLE:
            yield Part("DropStmt", node, join_strings(item[:-1]), item[-1].sval)
        elif kind == "OBJECT_SCHEMA":
            yield Part("DropStmt", node, f"schema {item.sval}")
        else:
            yield Part("DropStmt", node, join_strings(item) if isinstance(item, tuple) else None)

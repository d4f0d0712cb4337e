"""What each part of an ALTER TABLE takes and does.

Source: AlterTableGetLockLevel in PostgreSQL's tablecmds.c, measured by tests/integration/migrate/test_locks.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aias_core.migrate.lock_modes import ACCESS_X, SHARE_ROW_X, SHARE_UPDATE_X, Effect, RelationLock, merge_locks
from aias_core.migrate.nodes import kind_of, list_columns, list_constants, name_of, type_of
from aias_core.migrate.outline import Constraint, Outline, Relation
from aias_core.migrate.types import keeps_values
from aias_core.migrate.walk import SERIALS, list_constraints_of

_MODES = {
    **dict.fromkeys(
        (
            *("AT_SetStatistics", "AT_ClusterOn", "AT_DropCluster", "AT_SetOptions", "AT_ResetOptions"),
            *("AT_SetRelOptions", "AT_ResetRelOptions", "AT_AttachPartition", "AT_ValidateConstraint"),
            "AT_DetachPartitionFinalize",
        ),
        SHARE_UPDATE_X,
    ),
    **dict.fromkeys(
        (
            *("AT_EnableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_EnableTrigAll", "AT_EnableTrigUser"),
            *("AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser"),
        ),
        SHARE_ROW_X,
    ),
}
_REWRITES = {"AT_SetLogged", "AT_SetUnLogged", "AT_SetTableSpace", "AT_SetAccessMethod", "AT_SetExpression"}
_TAKES_SEQUENCES = {"AT_ChangeOwner", "AT_SetLogged", "AT_SetUnLogged"}
_STAYS_ON_PARENT = {
    *("AT_AttachPartition", "AT_DetachPartition", "AT_DetachPartitionFinalize", "AT_ChangeOwner", "AT_ReplicaIdentity"),
    *("AT_SetRelOptions", "AT_ResetRelOptions", "AT_ClusterOn", "AT_DropCluster", "AT_SetTableSpace"),
    *("AT_EnableRowSecurity", "AT_DisableRowSecurity", "AT_ForceRowSecurity", "AT_NoForceRowSecurity"),
}
Alteration = Callable[[Outline, str, Any], Iterator[RelationLock]]


def alter_table(node: Any, outline: Outline) -> Effect:
    """The effect of an ALTER TABLE; the strongest lock of its parts holds for the table from the beginning."""
    table = name_of(node.relation)
    locks = [lock for command in node.cmds for lock in _alter(outline, table, command)]
    commands = {command.subtype.name for command in node.cmds}
    own = merge_locks(lock for lock in locks if lock.relation == table)
    if node.relation.inh and commands - _STAYS_ON_PARENT:
        parts = outline.list_partitions(table)
        locks += [RelationLock(part.name, o.mode, o.rewrites, o.scans) for part in parts for o in own]
    concurrent = any(kind_of(command.def_) == "PartitionCmd" and command.def_.concurrent for command in node.cmds)
    validates = commands == {"AT_ValidateConstraint"}
    return Effect(
        locks,
        lock_class="concurrent_build" if concurrent else "scan" if validates else None,
        transactional=not concurrent,
        destroys="AT_DropColumn" in commands,
    )


def _alter(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    kind = command.subtype.name
    if special := _SPECIAL.get(kind):
        yield from special(outline, table, command)
    else:
        yield RelationLock(table, _MODES.get(kind, ACCESS_X), rewrites=kind in _REWRITES)
    if kind in _TAKES_SEQUENCES:
        yield from (RelationLock(name, ACCESS_X) for name in outline.list_sequences(table))


def _add_column(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    column = command.def_
    yield RelationLock(table, ACCESS_X, rewrites=fills_every_row(outline, column))
    for constraint in list_constraints_of(table, column):
        if constraint.kind == "FOREIGN":
            yield RelationLock(constraint.references or "", SHARE_ROW_X)
        elif constraint.kind in ("CHECK", "UNIQUE", "PRIMARY"):
            yield RelationLock(table, ACCESS_X, scans=True)


def fills_every_row(outline: Outline, column: Any) -> bool:
    """Whether adding a column writes a value of its own into each row that is there."""
    for item in column.constraints or ():
        match item.contype.name:
            case "CONSTR_DEFAULT" if outline.is_volatile(item.raw_expr):
                return True
            case "CONSTR_GENERATED" if item.generated_kind != "v":
                return True
            case "CONSTR_IDENTITY":
                return True
    return type_of(column.typeName) in SERIALS


def _add_constraint(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    node = command.def_
    for constraint in list_constraints_of(table, node):
        scans = scans_rows(outline, table, node, constraint)
        yield RelationLock(table, SHARE_ROW_X if constraint.kind == "FOREIGN" else ACCESS_X, scans=scans)
        if constraint.references:
            yield RelationLock(constraint.references, SHARE_ROW_X, scans=scans)


def scans_rows(outline: Outline, table: str, node: Any, constraint: Constraint) -> bool:
    """Whether adding a constraint reads the rows that are there."""
    relation = outline.relations.get(table)
    match constraint.kind:
        case "NOTNULL":
            proven = relation is not None and all(map(relation.is_proven_not_null, constraint.columns))
            return constraint.valid and not proven
        case "PRIMARY" | "UNIQUE" if node.indexname:
            columns = index_columns(outline, table, node.indexname)
            known = relation is not None and columns and all(map(relation.is_proven_not_null, columns))
            return constraint.kind == "PRIMARY" and not known
    return constraint.valid


def index_columns(outline: Outline, table: str, index: str) -> tuple[str, ...]:
    return next((found.columns for found in outline.list_indexes(table) if found.name.split(".")[-1] == index), ())


def _set_not_null(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    relation = outline.relations.get(table)
    proven = relation is not None and relation.is_proven_not_null(command.name)
    yield RelationLock(table, ACCESS_X, scans=not proven)


def _change_type(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    relation = outline.relations.get(table)
    keeps = keeps_type(outline, table, command)
    checks = relation.list_constraints("CHECK") if relation else []
    checked = any(check.valid and command.name in check.columns for check in checks)
    yield RelationLock(table, ACCESS_X, rewrites=not keeps, scans=keeps and checked)


def keeps_type(outline: Outline, table: str, command: Any) -> bool:
    """Whether the files say which type a column has, and the new one stores the same values."""
    relation = outline.relations.get(table)
    column = relation.columns.get(command.name) if relation else None
    is_plain = command.def_.raw_default is None
    return column is not None and is_plain and keeps_values(column.type, type_of(command.def_.typeName))


def _drop_constraint(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    yield RelationLock(table, ACCESS_X)
    relation = outline.relations.get(table)
    constraint = relation.constraints.get(command.name) if relation else None
    if constraint and constraint.references:
        yield RelationLock(constraint.references, ACCESS_X)


def _drop_column(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    yield RelationLock(table, ACCESS_X)
    if relation := outline.relations.get(table):
        for key in relation.list_constraints("FOREIGN"):
            if command.name in key.columns:
                yield RelationLock(key.references or "", ACCESS_X)


def _validate(outline: Outline, table: str, command: Any) -> Iterator[RelationLock]:
    relation = outline.relations.get(table)
    known = relation.constraints.get(command.name) if relation else None
    yield RelationLock(table, SHARE_UPDATE_X, scans=known is None or not known.valid)


def _attach(outline: Outline, parent: str, command: Any) -> Iterator[RelationLock]:
    yield RelationLock(parent, SHARE_UPDATE_X)
    name, bound = name_of(command.def_.name), command.def_.bound
    if bound is None:
        yield RelationLock(name, ACCESS_X)
        return
    yield RelationLock(name, ACCESS_X, scans=not is_bounded(outline, parent, name, bound))
    default = outline.find_default_partition(parent)
    if default is not None:
        yield RelationLock(default.name, ACCESS_X, scans=not is_bounded(outline, parent, default.name, bound))


def is_bounded(outline: Outline, parent: str, name: str, bound: Any) -> bool:
    """Whether a validated check of a table speaks of the partition key and of every bound of a partition.

    For the new partition such a check holds all rows inside the bounds, for the default one all rows outside.
    """
    relation, whole = outline.relations.get(name), outline.relations.get(parent)
    if relation is None or whole is None or not whole.key or "" in whole.key or bound.is_default:
        return False
    constants = list_constants((bound.lowerdatums, bound.upperdatums, bound.listdatums))
    return bool(constants) and any(
        check.valid
        and set(whole.key) <= list_columns(check.expression)
        and constants <= list_constants(check.expression)
        for check in relation.list_constraints("CHECK")
    )


def _detach(outline: Outline, parent: str, command: Any) -> Iterator[RelationLock]:
    mode = SHARE_UPDATE_X if command.def_.concurrent else ACCESS_X
    yield RelationLock(parent, mode)
    yield RelationLock(name_of(command.def_.name), ACCESS_X)
    default: Relation | None = outline.find_default_partition(parent)
    if default is not None:
        yield RelationLock(default.name, ACCESS_X)


_SPECIAL: dict[str, Alteration] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_SetNotNull": _set_not_null,
    "AT_AlterColumnType": _change_type,
    "AT_DropConstraint": _drop_constraint,
    "AT_DropColumn": _drop_column,
    "AT_ValidateConstraint": _validate,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
}

"""Follows statements and keeps the outline of a schema as they leave it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from aias_core.migrate.nodes import (
    join_name,
    join_strings,
    kind_of,
    list_columns,
    list_strings,
    name_of,
    option_of,
    type_of,
)
from aias_core.migrate.outline import (
    SUFFIXES,
    Column,
    Constraint,
    Index,
    Outline,
    Place,
    Relation,
    RelationKind,
    Trigger,
    base_of,
    schema_of,
)

SERIALS = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}
_BEFORE_ROW_UPDATE = 2 | 16
_UNNAMED = Place("", 0)


def follow(outline: Outline, node: Any, place: Place = _UNNAMED) -> None:
    """Changes an outline as a statement would change the schema. What it does not know, it leaves as it is."""
    if step := _STEPS.get(kind_of(node)):
        step(outline, node, place)


def list_constraints_of(table: str, node: Any, place: Place = _UNNAMED) -> Iterator[Constraint]:
    """The constraints that a column definition or a constraint of a table makes, named as the server would."""
    column = node.colname if kind_of(node) == "ColumnDef" else None
    for item in (node.constraints or ()) if column else (node,):
        kind = item.contype.name.removeprefix("CONSTR_")
        if kind in SUFFIXES:
            yield _build_constraint(table, item, kind, column, place)


def _build_constraint(table: str, node: Any, kind: Any, column: str | None, place: Place) -> Constraint:
    columns = list_strings(node.fk_attrs if kind == "FOREIGN" else node.keys) or ((column,) if column else ())
    if kind == "CHECK":
        columns = tuple(sorted(list_columns(node.raw_expr)))
    named = columns if kind != "CHECK" or len(columns) == 1 else ()
    middle = () if kind == "PRIMARY" else named
    return Constraint(
        name=node.conname or "_".join((base_of(table), *middle, SUFFIXES[kind])),
        kind=kind,
        columns=columns,
        place=place,
        valid=not node.skip_validation,
        references=name_of(node.pktable) if node.pktable else None,
        expression=node.raw_expr,
        nulls_not_distinct=node.nulls_not_distinct,
    )


def _create_table(outline: Outline, node: Any, place: Place) -> None:
    name = name_of(node.relation)
    if node.if_not_exists and name in outline.relations:
        return
    parent = name_of(node.inhRelations[0]) if node.partbound else None
    relation = Relation(
        name,
        place,
        key=tuple(part.name or "" for part in node.partspec.partParams) if node.partspec else (),
        parent=parent,
        is_default=bool(node.partbound and node.partbound.is_default),
    )
    outline.relations[name] = _copy_columns(relation, outline.relations.get(parent or ""))
    outline.made.add(name)
    for element in node.tableElts or ():
        match kind_of(element):
            case "ColumnDef":
                _add_column(outline, name, element, place)
            case "Constraint":
                _add_constraints(outline, name, element, place)
            case "TableLikeClause":
                source = outline.relations.get(name_of(element.relation))
                outline.relations[name] = _copy_columns(outline.relations[name], source, checks=element.options & 4)


def _copy_columns(relation: Relation, source: Relation | None, checks: int = 1) -> Relation:
    if source is None:
        return relation
    copied = {check.name: check for check in source.list_constraints("CHECK")} if checks else {}
    return replace(
        relation, columns={**relation.columns, **source.columns}, constraints={**relation.constraints, **copied}
    )


def _add_column(outline: Outline, table: str, node: Any, place: Place) -> None:
    relation = outline.relations.get(table)
    if relation is None:
        return
    written = type_of(node.typeName)
    kinds = {item.contype.name for item in node.constraints or ()}
    not_null = bool(kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"}) or written in SERIALS
    column = Column(node.colname, SERIALS.get(written, written), place, not_null)
    outline.change(table, columns={**relation.columns, column.name: column})
    if written in SERIALS or "CONSTR_IDENTITY" in kinds:
        sequence = join_name(schema_of(table), f"{base_of(table)}_{column.name}_seq")
        outline.relations[sequence] = Relation(sequence, place, "sequence", owner=table)
        if table in outline.made:
            outline.made.add(sequence)
    _add_constraints(outline, table, node, place)


def _add_constraints(outline: Outline, table: str, node: Any, place: Place) -> None:
    for constraint in list_constraints_of(table, node, place):
        relation = outline.relations.get(table)
        if relation is None:
            return
        if kind_of(node) == "Constraint" and node.indexname:
            constraint = _take_index(outline, table, constraint, node.indexname)
        outline.change(table, constraints={**relation.constraints, constraint.name: constraint})
        if constraint.kind in ("PRIMARY", "NOTNULL") and constraint.valid:
            for column in constraint.columns:
                _change_column(outline, table, column, not_null=True)


def _take_index(outline: Outline, table: str, constraint: Constraint, index: str) -> Constraint:
    taken = outline.indexes.pop(join_name(schema_of(table), index), None)
    return replace(constraint, columns=taken.columns) if taken else constraint


def _change_column(outline: Outline, table: str, name: str, **changes: Any) -> None:
    relation = outline.relations.get(table)
    if relation and name in relation.columns:
        outline.change(table, columns={**relation.columns, name: replace(relation.columns[name], **changes)})


def _alter_table(outline: Outline, node: Any, place: Place) -> None:
    table = name_of(node.relation)
    for command in node.cmds:
        if step := _COMMANDS.get(command.subtype.name):
            step(outline, table, command, place)


def _change_constraint(outline: Outline, table: str, name: str, **changes: Any) -> None:
    relation = outline.relations.get(table)
    constraint = relation.constraints.get(name) if relation else None
    if relation and constraint:
        changed = replace(constraint, **changes)
        outline.change(table, constraints={**relation.constraints, name: changed})
        if changed.kind == "NOTNULL" and changed.valid:
            _change_column(outline, table, changed.columns[0], not_null=True)


def _drop_member(outline: Outline, table: str, member: str, name: str) -> None:
    if relation := outline.relations.get(table):
        rest = {key: value for key, value in getattr(relation, member).items() if key != name}
        outline.change(table, **{member: rest})


def _drop_column(outline: Outline, table: str, command: Any, _: Place) -> None:
    _drop_member(outline, table, "columns", command.name)
    if relation := outline.relations.get(table):
        for constraint in relation.constraints.values():
            if command.name in constraint.columns:
                _drop_member(outline, table, "constraints", constraint.name)


def _attach(outline: Outline, table: str, command: Any, _: Place) -> None:
    bound = command.def_.bound
    if bound is not None:
        outline.change(name_of(command.def_.name), parent=table, is_default=bound.is_default)


Command = Callable[[Outline, str, Any, Place], None]
_COMMANDS: dict[str, Command] = {
    "AT_AddColumn": lambda o, t, c, p: _add_column(o, t, c.def_, p),
    "AT_AddConstraint": lambda o, t, c, p: _add_constraints(o, t, c.def_, p),
    "AT_DropColumn": _drop_column,
    "AT_DropConstraint": lambda o, t, c, _: _drop_member(o, t, "constraints", c.name),
    "AT_ValidateConstraint": lambda o, t, c, _: _change_constraint(o, t, c.name, valid=True),
    "AT_SetNotNull": lambda o, t, c, _: _change_column(o, t, c.name, not_null=True),
    "AT_DropNotNull": lambda o, t, c, _: _change_column(o, t, c.name, not_null=False),
    "AT_AlterColumnType": lambda o, t, c, _: _change_column(o, t, c.name, type=type_of(c.def_.typeName)),
    "AT_EnableRowSecurity": lambda o, t, _c, _: o.change(t, row_security=True),
    "AT_DisableRowSecurity": lambda o, t, _c, _: o.change(t, row_security=False),
    "AT_ForceRowSecurity": lambda o, t, _c, _: o.change(t, forced=True),
    "AT_NoForceRowSecurity": lambda o, t, _c, _: o.change(t, forced=False),
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": lambda o, _t, c, _: o.change(name_of(c.def_.name), parent=None, is_default=False),
}


def _add_relation(outline: Outline, name: str, place: Place, kind: RelationKind) -> None:
    outline.relations[name] = Relation(name, place, kind)
    outline.made.add(name)


def _create_as(outline: Outline, node: Any, place: Place) -> None:
    kind: RelationKind = "matview" if node.objtype.name == "OBJECT_MATVIEW" else "table"
    _add_relation(outline, name_of(node.into.rel), place, kind)


def _create_view(outline: Outline, node: Any, place: Place) -> None:
    if name_of(node.view) not in outline.relations:
        _add_relation(outline, name_of(node.view), place, "view")


def _create_index(outline: Outline, node: Any, place: Place) -> None:
    table = name_of(node.relation)
    columns = tuple(part.name or "" for part in node.indexParams)
    base = node.idxname or "_".join((base_of(table), *(column or "expr" for column in columns), "idx"))
    name = join_name(schema_of(table), base)
    outline.indexes[name] = Index(name, table, columns, place, node.unique, node.whereClause is not None)
    if table in outline.made:
        outline.made.add(name)


def _create_trigger(outline: Outline, node: Any, place: Place) -> None:
    if relation := outline.relations.get(name_of(node.relation)):
        before_update = node.timing | node.events & 16 == _BEFORE_ROW_UPDATE
        trigger = Trigger(node.trigname, place, before_update)
        outline.change(relation.name, triggers={**relation.triggers, trigger.name: trigger})


def _create_policy(outline: Outline, node: Any, _: Place) -> None:
    if relation := outline.relations.get(name_of(node.table)):
        outline.change(relation.name, policies=relation.policies | {node.policy_name})


def _create_function(outline: Outline, node: Any, _: Place) -> None:
    volatility = option_of(node.options, "volatility")
    outline.functions[join_strings(node.funcname)] = volatility.arg.sval if volatility else "volatile"


def _create_enum(outline: Outline, node: Any, _: Place) -> None:
    name = join_strings(node.typeName)
    outline.enums[name] = list_strings(node.vals)
    outline.made.add(f"type {name}")


def _change_enum(outline: Outline, node: Any, _: Place) -> None:
    name = join_strings(node.typeName)
    labels = [node.newVal if label == node.oldVal else label for label in outline.enums.get(name, ())]
    outline.enums[name] = tuple(labels if node.oldVal else [*labels, node.newVal])


def _comment(outline: Outline, node: Any, _: Place) -> None:
    match node.objtype.name:
        case "OBJECT_TABLE":
            outline.change(join_strings(node.object), commented=bool(node.comment))
        case "OBJECT_COLUMN":
            _change_column(outline, join_strings(node.object[:-1]), node.object[-1].sval, commented=bool(node.comment))


def _drop(outline: Outline, node: Any, _: Place) -> None:
    match node.removeType.name:
        case "OBJECT_TABLE" | "OBJECT_VIEW" | "OBJECT_MATVIEW" | "OBJECT_SEQUENCE":
            for name in map(join_strings, node.objects):
                _drop_relation(outline, name)
        case "OBJECT_INDEX":
            for name in map(join_strings, node.objects):
                outline.indexes.pop(name, None)
        case "OBJECT_TRIGGER":
            for item in node.objects:
                _drop_member(outline, join_strings(item[:-1]), "triggers", item[-1].sval)
        case "OBJECT_POLICY":
            for item in node.objects:
                if relation := outline.relations.get(join_strings(item[:-1])):
                    outline.change(relation.name, policies=relation.policies - {item[-1].sval})


def _drop_relation(outline: Outline, name: str) -> None:
    outline.relations.pop(name, None)
    outline.made.discard(name)
    outline.indexes = {key: index for key, index in outline.indexes.items() if index.table != name}
    for part in [relation.name for relation in outline.relations.values() if name in (relation.parent, relation.owner)]:
        _drop_relation(outline, part)


def _rename(outline: Outline, node: Any, _: Place) -> None:
    if node.relation is None:
        return
    old = name_of(node.relation)
    new = join_name(schema_of(old), node.newname)
    match node.renameType.name:
        case "OBJECT_TABLE" | "OBJECT_VIEW" | "OBJECT_MATVIEW" | "OBJECT_SEQUENCE":
            _move(outline, old, new)
        case "OBJECT_INDEX":
            if index := outline.indexes.pop(old, None):
                outline.indexes[new] = replace(index, name=new)
        case "OBJECT_COLUMN":
            if (relation := outline.relations.get(old)) and node.subname in relation.columns:
                column = replace(relation.columns[node.subname], name=node.newname)
                _drop_member(outline, old, "columns", node.subname)
                outline.change(old, columns={**outline.relations[old].columns, column.name: column})


def _set_schema(outline: Outline, node: Any, _: Place) -> None:
    if node.relation is not None:
        _move(outline, name_of(node.relation), join_name(node.newschema, node.relation.relname))


def _move(outline: Outline, old: str, new: str) -> None:
    if relation := outline.relations.pop(old, None):
        outline.relations[new] = replace(relation, name=new)
    if old in outline.made:
        outline.made = outline.made - {old} | {new}
    outline.indexes = {
        key: replace(index, table=new) if index.table == old else index for key, index in outline.indexes.items()
    }


_STEPS: dict[str, Callable[[Outline, Any, Place], None]] = {
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "CreateSeqStmt": lambda o, n, p: _add_relation(o, name_of(n.sequence), p, "sequence"),
    "CreateSchemaStmt": lambda o, n, _: o.made.add(f"schema {n.schemaname}"),
    "CreateEnumStmt": _create_enum,
    "CreateDomainStmt": lambda o, n, _: o.made.add(f"type {join_strings(n.domainname)}"),
    "AlterEnumStmt": _change_enum,
    "IndexStmt": _create_index,
    "CreateTrigStmt": _create_trigger,
    "CreatePolicyStmt": _create_policy,
    "CreateFunctionStmt": _create_function,
    "AlterTableStmt": _alter_table,
    "CommentStmt": _comment,
    "DropStmt": _drop,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
}

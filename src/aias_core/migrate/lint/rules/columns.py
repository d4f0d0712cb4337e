"""Rules about new and changed columns, and the values of enumerations."""

from __future__ import annotations

from aias_core.migrate.alterations import keeps_type
from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import list_constants, type_of
from aias_core.migrate.walk import SERIALS

_LATER = "add the column alone, then the constraint NOT VALID, then VALIDATE, in three files"
_BATCHES = "a nullable column, SET DEFAULT for new rows, and the old rows filled in batches"
_CONTRACT = "with '-- aias: phase = contract', after a release that does without"


def _kinds(part: Part) -> set[str]:
    return {item.contype.name.removeprefix("CONSTR_") for item in part.node.constraints or ()}


@rule(
    "column-with-reference",
    "column",
    why="two busy tables are locked together, which queues everybody and risks a deadlock",
    safer=_LATER,
)
def column_with_reference(part: Part, _: Scene) -> bool:
    return "FOREIGN" in _kinds(part)


@rule("column-with-check", "column", why="readers and writers wait while every row is checked", safer=_LATER)
def column_with_check(part: Part, _: Scene) -> bool:
    return "CHECK" in _kinds(part)


@rule(
    "column-with-unique",
    "column",
    why="the table is closed to everybody while the index is built",
    safer="add the column alone, then a unique index CONCURRENTLY, then UNIQUE USING INDEX",
)
def column_with_unique(part: Part, _: Scene) -> bool:
    return bool({"UNIQUE", "PRIMARY"} & _kinds(part))


@rule(
    "not-null-without-default",
    "column",
    why="it fails as soon as the table has a row, and old code that inserts breaks",
    safer="a constant default, or a nullable column, filled in batches, then SET NOT NULL with a validated check",
)
def not_null_without_default(part: Part, _: Scene) -> bool:
    kinds = _kinds(part)
    filled = kinds & {"DEFAULT", "IDENTITY", "GENERATED"} or type_of(part.node.typeName) in SERIALS
    return bool(kinds & {"NOTNULL", "PRIMARY"}) and not filled


@rule(
    "volatile-default",
    "column",
    why="the default differs from row to row, so the whole table is copied while everybody waits",
    safer=_BATCHES,
)
def volatile_default(part: Part, scene: Scene) -> bool:
    defaults = (item for item in part.node.constraints or () if item.contype.name == "CONSTR_DEFAULT")
    return any(scene.outline.is_volatile(item.raw_expr) for item in defaults)


@rule(
    "stored-generated-column",
    "column",
    why="the whole table is copied while everybody waits",
    safer="GENERATED ALWAYS AS (...) VIRTUAL from PostgreSQL 18 on, a view, or a plain column filled in batches",
)
def stored_generated_column(part: Part, _: Scene) -> bool:
    generated = (item for item in part.node.constraints or () if item.contype.name == "CONSTR_GENERATED")
    return any(item.generated_kind != "v" for item in generated)


@rule(
    "identity-column",
    "column",
    why="every row gets a number, so the whole table is copied while everybody waits",
    safer="a nullable bigint with a sequence of its own as default, and the old rows filled in batches",
)
def identity_column(part: Part, _: Scene) -> bool:
    return "IDENTITY" in _kinds(part)


@rule(
    "type-change-rewrites",
    "AT_AlterColumnType",
    why="the table is copied or read from end to end while everybody waits",
    safer="a new column that a trigger keeps equal, filled in batches; drop the old one a release later",
)
def type_change_rewrites(part: Part, scene: Scene) -> bool:
    table = scene.find_table(part.target)
    checks = table.list_constraints("CHECK") if table else []
    is_checked = any(check.valid and part.detail in check.columns for check in checks)
    return not keeps_type(scene.outline, part.target or "", part.node) or is_checked


@rule(
    "drop-not-null",
    "AT_DropNotNull",
    why="running code does not expect nulls",
    safer=_CONTRACT,
    reach="expand",
)
def drop_not_null(_part: Part, _scene: Scene) -> bool:
    return True


@rule("drop-default", "AT_ColumnDefault", why="old code inserts nulls from now on", safer=_CONTRACT, reach="expand")
def drop_default(part: Part, _: Scene) -> bool:
    return part.node.def_ is None


@rule(
    "enum-value-renamed",
    "AlterEnumStmt",
    why="running code sends the old label and is refused",
    safer="add the new value, move the rows in batches, stop using the old one; or text with a named CHECK",
)
def enum_value_renamed(part: Part, _: Scene) -> bool:
    return bool(part.node.oldVal)


@rule(
    "enum-value-position",
    "AlterEnumStmt",
    why="the order of the values depends on the history of the database",
    safer="ADD VALUE ... BEFORE or AFTER another",
)
def enum_value_position(part: Part, _: Scene) -> bool:
    return not part.node.oldVal and not part.node.newValNeighbor


@rule(
    "new-enum-value-used",
    "statement",
    why="a value cannot be used in the transaction that adds it (error 55P04)",
    safer="ALTER TYPE ... ADD VALUE in a file of its own before this one",
    reach="any",
)
def new_enum_value_used(part: Part, scene: Scene) -> bool:
    return bool(scene.new_labels) and bool(scene.new_labels & list_constants(part.node))

"""Rules about statements that change rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import kind_of

_BATCHES = "batches by key: WHERE id > 0 AND id <= 5000 AND ..., in a file with '-- aias: transaction = none'"
_LOWER, _UPPER = {">", ">="}, {"<", "<="}


@rule(
    "truncate",
    "TruncateStmt",
    why="all rows are gone, and no row trigger sees it",
    safer="a batched DELETE, or the drop of a partition, under approval",
)
def truncate(part: Part, _: Scene) -> bool:
    return bool(part.node.behavior.name != "DROP_CASCADE")


@rule(
    "truncate-cascade",
    "TruncateStmt",
    why="it empties tables that nobody named",
    safer="each table named, under approval",
)
def truncate_cascade(part: Part, _: Scene) -> bool:
    return bool(part.node.behavior.name == "DROP_CASCADE")


@rule(
    "update-without-where",
    "UpdateStmt",
    why="every row is locked and written twice in one huge transaction",
    safer=_BATCHES,
)
def update_without_where(part: Part, _: Scene) -> bool:
    return part.node.whereClause is None or _is_true(part.node.whereClause)


@rule("delete-without-where", "DeleteStmt", why="every row goes in one huge transaction", safer=_BATCHES)
def delete_without_where(part: Part, _: Scene) -> bool:
    return part.node.whereClause is None or _is_true(part.node.whereClause)


@rule(
    "unbounded-batch",
    "UpdateStmt",
    "DeleteStmt",
    why="the condition has no bound by a key, so one transaction may take every row",
    safer=_BATCHES,
)
def unbounded_batch(part: Part, scene: Scene) -> bool:
    condition = part.node.whereClause
    return condition is not None and not _is_true(condition) and not _is_bounded(part, scene)


def _is_bounded(part: Part, scene: Scene) -> bool:
    table = part.target or ""
    indexes = list(scene.outline.list_indexes(table))
    leading = {index.columns[0] for index in indexes if index.columns} or {"id", "ctid"}
    keys = [set(index.columns) for index in indexes if index.unique and not index.partial] or [{"id"}]
    equal: set[str] = {"ctid"} if _names_tuple(part.node.whereClause) else set()
    lower: set[str] = set()
    upper: set[str] = set()
    for column, comparison in _iter_comparisons(part.node.whereClause):
        equal |= {column} if comparison == "=" else set()
        lower |= {column} if comparison in _LOWER else set()
        upper |= {column} if comparison in _UPPER else set()
    return bool(lower & upper & (leading | {"ctid"})) or any(key <= equal for key in [*keys, {"ctid"}])


def _names_tuple(condition: Any) -> bool:
    return any(column == "ctid" and comparison == "=" for column, comparison in _iter_comparisons(condition))


def _iter_comparisons(condition: Any) -> Iterator[tuple[str, str]]:
    """Column and operator of each comparison that must hold."""
    match kind_of(condition):
        case "BoolExpr" if condition.boolop.name == "AND_EXPR":
            for argument in condition.args:
                yield from _iter_comparisons(argument)
        case "A_Expr":
            yield from _read_comparison(condition)
        case "SubLink" if condition.subLinkType.name == "ANY_SUBLINK" and _is_limited(condition.subselect):
            column = _column_of(condition.testexpr)
            if column:
                yield column, "="


def _read_comparison(node: Any) -> Iterator[tuple[str, str]]:
    column, operator = _column_of(node.lexpr), node.name[-1].sval
    if column is None:
        column, operator = _column_of(node.rexpr), {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
    elif _column_of(node.rexpr) is not None:
        return
    if column is None:
        return
    match node.kind.name:
        case "AEXPR_BETWEEN" | "AEXPR_BETWEEN_SYM":
            yield from ((column, ">="), (column, "<="))
        case "AEXPR_OP" | "AEXPR_OP_ANY" | "AEXPR_IN":
            yield column, operator


def _column_of(node: Any) -> str | None:
    if kind_of(node) != "ColumnRef" or kind_of(node.fields[-1]) != "String":
        return None
    return str(node.fields[-1].sval)


def _is_limited(select: Any) -> bool:
    return select.limitCount is not None


def _is_true(condition: Any) -> bool:
    return kind_of(condition) == "A_Const" and getattr(condition.val, "boolval", False) is True

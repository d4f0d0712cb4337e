"""What each kind of statement does to others: the locks on relations, the work under them, the time-outs it needs.

Source: https://www.postgresql.org/docs/current/explicit-locking.html, measured by
tests/integration/migrate/test_locks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aias_core.migrate.alterations import alter_table, is_bounded
from aias_core.migrate.bodies import read_body
from aias_core.migrate.lock_modes import (
    ACCESS_X,
    BLOCKING_MODES,
    EXCLUSIVE,
    MODES,
    ROW_X,
    SHARE,
    SHARE_ROW_X,
    SHARE_UPDATE_X,
    Effect,
    LockClass,
    RelationLock,
    Risk,
    Work,
    merge_locks,
)
from aias_core.migrate.nodes import is_on, join_strings, kind_of, name_of, option_of
from aias_core.migrate.outline import Outline
from aias_core.migrate.statements import Statement
from aias_core.migrate.walk import list_constraints_of

__all__ = ["BLOCKING_MODES", "LockClass", "RelationLock", "Work", "classify_statement"]

_RISKS: tuple[Risk, ...] = ("safe", "locking", "destructive")
_CLASSES: tuple[LockClass, ...] = ("short_lock", "concurrent_build", "batch", "scan", "strong_scan")
_PERMANENT = {"OBJECT_SCHEMA", "OBJECT_DATABASE", "OBJECT_TABLE"}
_COMMENTED = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"}


def classify_statement(statement: Statement, outline: Outline) -> Work:
    """What a statement does, given what the files before it made; relations that its own file made block nobody."""
    if kind_of(statement.node) == "DoStmt":
        return _classify_block(statement, outline)
    effect = find_effect(statement.node, outline)
    locks = tuple(
        _without_rows(lock, outline) for lock in merge_locks(effect.locks) if lock.relation not in outline.made
    )
    touches_own = bool(effect.locks) and not locks
    blocking = [lock for lock in locks if lock.mode in BLOCKING_MODES]
    strong = any(lock.rewrites or lock.scans for lock in blocking)
    risk: Risk = "locking" if blocking else "safe"
    if effect.destroys and not touches_own:
        risk = "destructive"
    lock_class = effect.lock_class or ("strong_scan" if strong else "short_lock")
    return Work(lock_class, risk, locks, effect.transactional)


def find_effect(node: Any, outline: Outline) -> Effect:
    """What a statement takes and does, the relations of its own file included."""
    reader = _EFFECTS.get(kind_of(node))
    return reader(node, outline) if reader else Effect()


def _classify_block(statement: Statement, outline: Outline) -> Work:
    """The sum of a DO block; statements that it builds may take any lock."""
    body = read_body(statement)
    works = [classify_statement(inner, outline) for inner in body.statements]
    if body.dynamic_lines or body.fault:
        works.append(Work("short_lock", "locking", (), transactional=True))
    locks = merge_locks(lock for work in works for lock in work.relations)
    risk: Risk = max((work.risk for work in works), key=_RISKS.index, default=_RISKS[0])
    lock_class: LockClass = max((work.lock_class for work in works), key=_CLASSES.index, default=_CLASSES[0])
    return Work(lock_class, risk, locks, transactional=True)


def _without_rows(lock: RelationLock, outline: Outline) -> RelationLock:
    """The lock on a partitioned table without work: its rows are in its partitions."""
    relation = outline.relations.get(lock.relation)
    return RelationLock(lock.relation, lock.mode) if relation is not None and relation.key else lock


def _lock(mode: str, *names: str, rewrites: bool = False, scans: bool = False) -> list[RelationLock]:
    return [RelationLock(name, mode, rewrites, scans) for name in names]


def _with_parts(outline: Outline, name: str) -> list[str]:
    return [name, *(part.name for part in outline.list_partitions(name))]


def _create_table(node: Any, outline: Outline) -> Effect:
    name = name_of(node.relation)
    locks = [
        lock
        for element in node.tableElts or ()
        if kind_of(element) in ("ColumnDef", "Constraint")
        for constraint in list_constraints_of(name, element)
        if constraint.references and constraint.references != name
        for lock in _lock(SHARE_ROW_X, constraint.references)
    ]
    for parent in map(name_of, node.inhRelations or ()):
        locks += _lock(ACCESS_X if node.partbound else SHARE_UPDATE_X, parent)
        default = outline.find_default_partition(parent)
        if node.partbound and default:
            scans = not is_bounded(outline, parent, default.name, node.partbound)
            locks += _lock(ACCESS_X, default.name, scans=scans)
    return Effect(locks)


def _create_index(node: Any, outline: Outline) -> Effect:
    table = name_of(node.relation)
    names = _with_parts(outline, table) if node.relation.inh else [table]
    if node.concurrent:
        return Effect(_lock(SHARE_UPDATE_X, table, scans=True), "concurrent_build", transactional=False)
    is_empty_parent = not node.relation.inh and table in outline.relations and bool(outline.relations[table].key)
    return Effect(_lock(SHARE, *names, scans=not is_empty_parent))


def _drop(node: Any, outline: Outline) -> Effect:
    kind = node.removeType.name
    destroys = kind in _PERMANENT or node.behavior.name == "DROP_CASCADE"
    match kind:
        case "OBJECT_INDEX":
            return _drop_index(node, outline)
        case "OBJECT_TABLE":
            locks = [lock for item in node.objects for lock in _drop_table(outline, join_strings(item))]
        case "OBJECT_VIEW" | "OBJECT_MATVIEW" | "OBJECT_SEQUENCE":
            locks = _lock(ACCESS_X, *map(join_strings, node.objects))
        case "OBJECT_TRIGGER" | "OBJECT_POLICY" | "OBJECT_RULE":
            locks = _lock(ACCESS_X, *(join_strings(item[:-1]) for item in node.objects))
        case _:
            locks = []
    return Effect(locks, destroys=destroys)


def _drop_index(node: Any, outline: Outline) -> Effect:
    indexes = [join_strings(item) for item in node.objects]
    tables = [table for index in indexes if (table := outline.find_index_table(index))]
    if node.concurrent:
        return Effect(_lock(SHARE_UPDATE_X, *tables, *indexes), "concurrent_build", transactional=False)
    return Effect(_lock(ACCESS_X, *tables, *indexes))


def _drop_table(outline: Outline, name: str) -> list[RelationLock]:
    relation = outline.relations.get(name)
    others = outline.list_referencing(name)
    if relation is not None:
        others |= {key.references or "" for key in relation.list_constraints("FOREIGN")}
    if relation is not None and relation.parent:
        default = outline.find_default_partition(relation.parent)
        others |= {relation.parent, *([default.name] if default else [])}
    return _lock(ACCESS_X, *_with_parts(outline, name), *sorted(others - {name}))


def _truncate(node: Any, outline: Outline) -> Effect:
    names = [part for relation in node.relations for part in _with_parts(outline, name_of(relation))]
    if node.behavior.name == "DROP_CASCADE":
        for name in names:
            names += [other for other in sorted(outline.list_referencing(name)) if other not in names]
    return Effect(_lock(ACCESS_X, *names, rewrites=True), destroys=True)


def _reindex(node: Any, outline: Outline) -> Effect:
    concurrent = option_of(node.params, "concurrently") is not None
    if node.relation is None:
        return Effect([], "concurrent_build" if concurrent else "strong_scan", transactional=False)
    name = name_of(node.relation)
    is_index = node.kind.name == "REINDEX_OBJECT_INDEX"
    table = outline.find_index_table(name) if is_index else name
    indexes = [name] if is_index else [index.name for index in outline.list_indexes(name)]
    if concurrent:
        locks = _lock(SHARE_UPDATE_X, *([table] if table else []), *indexes, scans=True)
        return Effect(locks, "concurrent_build", transactional=False)
    return Effect(_lock(SHARE, *([table] if table else []), scans=True) + _lock(ACCESS_X, *indexes, rewrites=True))


def _vacuum(node: Any, _: Outline) -> Effect:
    names = [name_of(item.relation) for item in node.rels or () if item.relation]
    if node.is_vacuumcmd and is_on(node.options, "full"):
        return Effect(_lock(ACCESS_X, *names, rewrites=True), "strong_scan", transactional=False)
    return Effect(_lock(SHARE_UPDATE_X, *names, scans=node.is_vacuumcmd), "scan", transactional=not node.is_vacuumcmd)


def _refresh(node: Any, _: Outline) -> Effect:
    name = name_of(node.relation)
    if node.concurrent:
        return Effect(_lock(EXCLUSIVE, name, scans=True), "scan")
    return Effect(_lock(ACCESS_X, name, rewrites=True))


def _alter_domain(node: Any, outline: Outline) -> Effect:
    users = sorted(outline.list_users_of_type(join_strings(node.typeName)))
    scans = node.subtype in ("C", "O", "V") and not (node.def_ is not None and node.def_.skip_validation)
    return Effect(_lock(SHARE, *users, scans=True) if scans else [], "strong_scan" if scans else None)


def _rename(node: Any, outline: Outline) -> Effect:
    if node.relation is None:
        return Effect()
    name = name_of(node.relation)
    if "OBJECT_INDEX" in (node.renameType.name, node.relationType.name):
        return Effect(_lock(SHARE_UPDATE_X, name))
    is_column = node.renameType.name == "OBJECT_COLUMN"
    return Effect(_lock(ACCESS_X, *(_with_parts(outline, name) if is_column else [name])))


def _set_schema(node: Any, outline: Outline) -> Effect:
    if node.relation is None:
        return Effect()
    name = name_of(node.relation)
    return Effect(_lock(ACCESS_X, name, *outline.list_sequences(name)))


def _create_trigger(node: Any, outline: Outline) -> Effect:
    name = name_of(node.relation)
    return Effect(_lock(SHARE_ROW_X, *(_with_parts(outline, name) if node.row else [name])))


def _comment(node: Any, _: Outline) -> Effect:
    match node.objtype.name:
        case "OBJECT_COLUMN":
            return Effect(_lock(SHARE_UPDATE_X, join_strings(node.object[:-1])))
        case kind if kind in _COMMENTED:
            return Effect(_lock(SHARE_UPDATE_X, join_strings(node.object)))
    return Effect()


def _write(node: Any, _: Outline) -> Effect:
    return Effect(_lock(ROW_X, name_of(node.relation)), "batch", destroys=kind_of(node) == "DeleteStmt")


def _copy(node: Any, _: Outline) -> Effect:
    return Effect(_lock(ROW_X, name_of(node.relation)), "batch") if node.is_from else Effect()


def _cluster(node: Any, _: Outline) -> Effect:
    names = [name_of(node.relation)] if node.relation else []
    return Effect(_lock(ACCESS_X, *names, rewrites=True), "strong_scan", transactional=bool(names))


def _view(node: Any, outline: Outline) -> Effect:
    name = name_of(node.view)
    return Effect(_lock(ACCESS_X, name) if node.replace and name in outline.relations else [])


def _on_relation(mode: str, attribute: str = "relation") -> Callable[[Any, Outline], Effect]:
    return lambda node, _: Effect(_lock(mode, name_of(getattr(node, attribute))) if getattr(node, attribute) else [])


def _alone(_node: Any, _outline: Outline) -> Effect:
    return Effect(transactional=False)


def _destroy(node: Any, _: Outline) -> Effect:
    return Effect(transactional=kind_of(node) != "DropdbStmt", destroys=True)


_EFFECTS: dict[str, Callable[[Any, Outline], Effect]] = {
    "AlterTableStmt": alter_table,
    "CreateStmt": _create_table,
    "IndexStmt": _create_index,
    "DropStmt": _drop,
    "TruncateStmt": _truncate,
    "ReindexStmt": _reindex,
    "VacuumStmt": _vacuum,
    "ClusterStmt": _cluster,
    "RefreshMatViewStmt": _refresh,
    "AlterDomainStmt": _alter_domain,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "CreateTrigStmt": _create_trigger,
    "RuleStmt": _on_relation(ACCESS_X),
    "CreatePolicyStmt": _on_relation(ACCESS_X, "table"),
    "AlterPolicyStmt": _on_relation(ACCESS_X, "table"),
    "AlterSeqStmt": _on_relation(SHARE_ROW_X, "sequence"),
    "ViewStmt": _view,
    "CommentStmt": _comment,
    "CreateStatsStmt": lambda node, _: Effect(_lock(SHARE_UPDATE_X, *map(name_of, node.relations))),
    "LockStmt": lambda node, _: Effect(_lock(MODES[node.mode - 1], *map(name_of, node.relations))),
    "InsertStmt": _write,
    "UpdateStmt": _write,
    "DeleteStmt": _write,
    "MergeStmt": _write,
    "CopyStmt": _copy,
    "CreatedbStmt": _alone,
    "AlterSystemStmt": _alone,
    "CreateTableSpaceStmt": _alone,
    "DropTableSpaceStmt": _alone,
    "DropdbStmt": _destroy,
    "DropRoleStmt": _destroy,
    "DropOwnedStmt": _destroy,
}

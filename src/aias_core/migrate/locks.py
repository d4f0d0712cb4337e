"""The locks a statement takes on relations, and the class of time-outs it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aias_core.migrate.statements import Statement

LockClass = Literal["short_lock", "concurrent_build", "scan", "batch", "strong_scan"]


@dataclass(frozen=True, slots=True)
class RelationLock:
    relation: str
    mode: str
    rewrites: bool
    scans: bool


@dataclass(frozen=True, slots=True)
class Work:
    lock_class: LockClass
    risk: Literal["safe", "locking", "destructive"]
    relations: tuple[RelationLock, ...]
    transactional: bool


def classify_statement(statement: Statement, created: frozenset[str]) -> Work:
    kind = type(statement.node).__name__
    options = [o.defname for o in getattr(statement.node, "params", None) or ()] if kind == "ReindexStmt" else []
    if getattr(statement.node, "concurrent", False) or "concurrently" in options:
        return Work("concurrent_build", "safe", (), False)
    if kind in ("UpdateStmt", "DeleteStmt", "InsertStmt"):
        return Work("batch", "safe", (), True)
    relation = getattr(statement.node, "relation", None)
    name = (
        f"{relation.schemaname}.{relation.relname}"
        if relation is not None and relation.schemaname
        else getattr(relation, "relname", None)
    )
    relations = (
        (RelationLock(name, "ACCESS EXCLUSIVE", False, False),)
        if name and name not in created and kind != "CreateStmt"
        else ()
    )
    return Work(
        "short_lock", "destructive" if kind == "DropStmt" else "locking" if relations else "safe", relations, True
    )

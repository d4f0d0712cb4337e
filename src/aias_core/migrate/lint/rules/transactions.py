"""Rules about transactions, settings of the session, and statements that cannot be read."""

from __future__ import annotations

from typing import Any

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import named_rule, rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import constant_of, iter_nodes, kind_of

_TIMEOUTS = {"lock_timeout", "statement_timeout"}
_IDENTITIES = {"role", "session_authorization"}

DYNAMIC_SQL = named_rule(
    "dynamic-sql",
    "no reader and no linter sees what a built statement does",
    "plain statements; EXECUTE only of a constant",
)
BODY_UNREADABLE = named_rule(
    "body-unreadable", "a body that cannot be read cannot be judged", "plain SQL or PL/pgSQL with built-in types"
)
SEVERAL_RELATIONS = named_rule(
    "several-relations",
    "a second busy table is locked in the same transaction, which can deadlock with running code",
    "one file per table that is there",
)
DESTRUCTIVE_IN_EXPAND = named_rule(
    "destructive-in-expand", "the phase expand only adds", "'-- aias: phase = migrate' or 'contract' in the head"
)


@rule(
    "transaction-control",
    "TransactionStmt",
    why="the runner owns the transaction: BEGIN alone leaves locks, COMMIT splits what it thinks is one",
    safer="no transaction control; '-- aias: transaction = none' where a statement needs it",
    reach="any",
)
def transaction_control(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "cannot-run-in-transaction",
    "statement",
    why="the server refuses it inside a transaction (error 25001)",
    safer="'-- aias: transaction = none' in the head of a file of its own",
    reach="any",
)
def cannot_run_in_transaction(_: Part, scene: Scene) -> bool:
    return scene.in_transaction and not scene.work.transactional


@rule(
    "replication-role",
    "statement",
    why="foreign keys and triggers are skipped from then on",
    safer="data written through the rules",
    reach="bodies",
)
def replication_role(part: Part, _: Scene) -> bool:
    return "session_replication_role" in _list_settings(part.node)


@rule(
    "timeout-disabled",
    "statement",
    why="it removes the protection under which the runner works",
    safer="'-- aias: lock_timeout' or 'max_duration' in the head",
    reach="any",
)
def timeout_disabled(part: Part, _: Scene) -> bool:
    settings = _list_settings(part.node)
    return any(str(settings.get(name, "")).rstrip("msinh ") == "0" for name in _TIMEOUTS)


@rule(
    "set-role",
    "VariableSetStmt",
    why="what follows runs with other rights than the runner checked",
    safer="none; migrations act as the owner",
    reach="any",
)
def set_role(part: Part, _: Scene) -> bool:
    return part.node.name in _IDENTITIES


def _list_settings(node: Any) -> dict[str, Any]:
    """The settings that SET, ALTER ROLE ... SET, ALTER DATABASE ... SET or set_config changes, with their values."""
    if kind_of(node) == "SelectStmt":
        calls = (
            n for n in iter_nodes(node.targetList) if kind_of(n) == "FuncCall" and n.funcname[-1].sval == "set_config"
        )
        return {str(constant_of(call.args[0])): constant_of(call.args[1]) for call in calls if len(call.args or ()) > 1}
    setting = node if kind_of(node) == "VariableSetStmt" else getattr(node, "setstmt", None)
    if setting is None or not setting.name:
        return {}
    return {setting.name: constant_of(setting.args[0]) if setting.args else None}

"""Rules about rights, row security and the server."""

from __future__ import annotations

from typing import Any

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import constant_of, is_on, kind_of, option_of

_STRONG_ATTRIBUTES = ("superuser", "bypassrls", "createrole", "isreplication")


def _is_public(roles: Any) -> bool:
    return not roles or any(role.roletype.name == "ROLESPEC_PUBLIC" for role in roles)


@rule(
    "grant-to-public",
    "GrantStmt",
    why="every role there is or will be gets the right",
    safer="a grant to one named role",
    reach="bodies",
)
def grant_to_public(part: Part, _: Scene) -> bool:
    return bool(part.node.is_grant) and _is_public(part.node.grantees)


@rule(
    "default-privileges-to-public",
    "AlterDefaultPrivilegesStmt",
    why="every role there is or will be gets the right on all that is made later",
    safer="a grant to one named role",
    reach="bodies",
)
def default_privileges_to_public(part: Part, _: Scene) -> bool:
    return bool(part.node.action.is_grant) and _is_public(part.node.action.grantees)


@rule(
    "row-security-disabled",
    "AT_DisableRowSecurity",
    why="each tenant sees all tenants at once",
    safer="policies changed, row security kept",
    reach="bodies",
)
def row_security_disabled(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "no-force-row-security",
    "AT_NoForceRowSecurity",
    why="the owner sees every tenant",
    safer="FORCE ROW LEVEL SECURITY kept, with a policy for the owner",
    reach="bodies",
)
def no_force_row_security(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "policy-always-true",
    "CreatePolicyStmt",
    "AlterPolicyStmt",
    why="it opens every tenant to every role",
    safer="a condition on org_id, or TO one named role",
    reach="any",
)
def policy_always_true(part: Part, _: Scene) -> bool:
    expressions = (part.node.qual, part.node.with_check)
    is_permissive = getattr(part.node, "permissive", True)
    return is_permissive and _is_public(part.node.roles) and any(constant_of(item) is True for item in expressions)


@rule(
    "role-attributes",
    "CreateRoleStmt",
    "AlterRoleStmt",
    why="the role stands above the schema and its policies",
    safer="grants to a plain role",
    reach="bodies",
)
def role_attributes(part: Part, _: Scene) -> bool:
    return any(is_on(part.node.options, name) for name in _STRONG_ATTRIBUTES)


@rule(
    "definer-search-path",
    "CreateFunctionStmt",
    "AlterFunctionStmt",
    why="the caller chooses which objects run with the rights of the owner",
    safer="SECURITY DEFINER SET search_path = pg_catalog, pg_temp",
    reach="any",
)
def definer_search_path(part: Part, _: Scene) -> bool:
    options = getattr(part.node, "options", None) or getattr(part.node, "actions", None)
    settings = {option.arg.name for option in options or () if option.defname == "set"}
    return is_on(options, "security") and "search_path" not in settings


@rule(
    "copy-on-server",
    "CopyStmt",
    why="it runs a program or reads a file on the server",
    safer="COPY FROM STDIN by a client",
    reach="bodies",
)
def copy_on_server(part: Part, _: Scene) -> bool:
    return bool(part.node.filename)


@rule(
    "create-extension",
    "CreateExtensionStmt",
    why="it needs rights that managed servers do not give, and its version differs from host to host",
    safer="provisioned with the environment; the migration only looks in pg_extension",
    reach="bodies",
)
def create_extension(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "alter-system",
    "AlterSystemStmt",
    why="it changes the whole server outside its history, and managed servers refuse it",
    safer="ALTER ROLE ... IN DATABASE ... SET, or the profile of the environment",
    reach="bodies",
)
def alter_system(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "trigger-disabled",
    "AT_DisableTrig",
    "AT_DisableTrigAll",
    "AT_DisableTrigUser",
    why="rules of the schema stop: audit, append-only, and with ALL the foreign keys",
    safer="data written through the rules, or a narrow SECURITY DEFINER function",
    reach="bodies",
)
def trigger_disabled(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "sequence-restarted",
    "AlterSeqStmt",
    "AT_SetIdentity",
    "SelectStmt",
    why="the next rows collide with those that are there, or reuse their identifiers",
    safer="setval to at least max(id), upwards only",
)
def sequence_restarted(part: Part, _: Scene) -> bool:
    if part.kind == "SelectStmt":
        return any(_sets_constant(target.val) for target in part.node.targetList or ())
    options = part.node.options if part.kind == "AlterSeqStmt" else part.node.def_
    return option_of(options, "restart") is not None


def _sets_constant(call: Any) -> bool:
    if kind_of(call) != "FuncCall" or call.funcname[-1].sval != "setval":
        return False
    return len(call.args) > 1 and constant_of(call.args[1]) is not None

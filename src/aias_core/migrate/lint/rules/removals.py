"""Rules about what takes something away from running code."""

from __future__ import annotations

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene

_RELATIONS = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"}
_CONTRACT = "with '-- aias: phase = contract', after a release that does without, the loss counted and approved"
_RULE_GONE = "with '-- aias: phase = contract', after a release that does without"


@rule("drop-column", "AT_DropColumn", why="its data is gone and running code breaks", safer=_CONTRACT, reach="expand")
def drop_column(_part: Part, _scene: Scene) -> bool:
    return True


@rule("drop-table", "DropStmt", why="its rows are gone and running code breaks", safer=_CONTRACT, reach="expand")
def drop_table(part: Part, _: Scene) -> bool:
    return part.node.removeType.name in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW")


@rule(
    "drop-cascade",
    "DropStmt",
    "AT_DropColumn",
    "AT_DropConstraint",
    "DropOwnedStmt",
    why="CASCADE drops what nobody listed",
    safer="each dependent named in a statement of its own",
)
def drop_cascade(part: Part, _: Scene) -> bool:
    return bool(part.node.behavior.name == "DROP_CASCADE")


@rule(
    "drop-outside-history",
    "DropStmt",
    "DropdbStmt",
    "DropRoleStmt",
    "DropOwnedStmt",
    "DropTableSpaceStmt",
    why="it takes away more than migrations made, and no rollback brings it back",
    safer="a command of the environment, under approval",
)
def drop_outside_history(part: Part, _: Scene) -> bool:
    return part.kind != "DropStmt" or part.node.removeType.name == "OBJECT_SCHEMA"


@rule(
    "rename-column",
    "RenameStmt",
    why="running code knows the old name, the next release the new one, and both cannot work",
    safer="a new column that a trigger keeps equal; drop the old one a release later",
)
def rename_column(part: Part, _: Scene) -> bool:
    is_index = part.node.relationType.name == "OBJECT_INDEX"
    return part.node.renameType.name in ("OBJECT_COLUMN", "OBJECT_ATTRIBUTE") and not is_index


@rule(
    "rename-table",
    "RenameStmt",
    why="running code knows the old name, the next release the new one, and both cannot work",
    safer="the new name with an updatable view under the old one, in the phase contract",
    reach="expand",
)
def rename_table(part: Part, _: Scene) -> bool:
    return part.node.renameType.name in _RELATIONS


@rule(
    "set-schema",
    "AlterObjectSchemaStmt",
    why="running code looks for the table where it was",
    safer="a view under the old name, in the phase contract",
    reach="expand",
)
def set_schema(part: Part, _: Scene) -> bool:
    return part.node.objectType.name in _RELATIONS


@rule(
    "drop-policy",
    "DropStmt",
    why="rows become hidden, or open to more than before",
    safer="the policy dropped and made again in one file",
    reach="expand",
)
def drop_policy(part: Part, scene: Scene) -> bool:
    return part.node.removeType.name == "OBJECT_POLICY" and not scene.makes_again("CreatePolicyStmt", part)


@rule("drop-trigger", "DropStmt", why="the rule that it kept is gone", safer=_RULE_GONE, reach="expand")
def drop_trigger(part: Part, scene: Scene) -> bool:
    return part.node.removeType.name == "OBJECT_TRIGGER" and not scene.makes_again("CreateTrigStmt", part)

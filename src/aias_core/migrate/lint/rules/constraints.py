"""Rules about constraints on tables that are there."""

from __future__ import annotations

from aias_core.migrate.alterations import scans_rows
from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import is_not_null_test
from aias_core.migrate.walk import list_constraints_of


@rule(
    "unique-without-index",
    "ADD_UNIQUE",
    why="the table is closed to everybody while the index is built",
    safer="CREATE UNIQUE INDEX CONCURRENTLY k, later ADD CONSTRAINT k UNIQUE USING INDEX k",
)
def unique_without_index(part: Part, _: Scene) -> bool:
    return not part.node.indexname


@rule(
    "primary-key-without-index",
    "ADD_PRIMARY",
    why="the table is closed to everybody while nulls are looked for and the index is built",
    safer="unique index CONCURRENTLY, a validated CHECK (column IS NOT NULL), then PRIMARY KEY USING INDEX",
)
def primary_key_without_index(part: Part, scene: Scene) -> bool:
    return not part.node.indexname or _scans(part, scene)


@rule(
    "exclude-on-existing-table",
    "ADD_EXCLUSION",
    why="the table is closed to everybody while the index is built, and no online form exists",
    safer="a new table with the constraint, filled in batches and swapped, or the rule kept in a unique index",
)
def exclude_on_existing_table(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "foreign-key-scans",
    "ADD_FOREIGN",
    why="writes to both tables wait while every row is checked",
    safer="ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a later file",
)
def foreign_key_scans(part: Part, _: Scene) -> bool:
    return not part.node.skip_validation


@rule(
    "check-scans",
    "ADD_CHECK",
    why="readers and writers wait while every row is checked",
    safer="ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a later file",
)
def check_scans(part: Part, _: Scene) -> bool:
    return not part.node.skip_validation


@rule(
    "validate-in-same-transaction",
    "AT_ValidateConstraint",
    why="the strong lock of the NOT VALID step is held while every row is checked",
    safer="VALIDATE CONSTRAINT in a later file",
)
def validate_in_same_transaction(part: Part, scene: Scene) -> bool:
    return (part.target, part.detail) in scene.unvalidated


@rule(
    "not-null-scans",
    "AT_SetNotNull",
    "ADD_NOTNULL",
    why="readers and writers wait while every row is checked for nulls",
    safer="CHECK (column IS NOT NULL) NOT VALID, later VALIDATE, then SET NOT NULL, then drop the check",
)
def not_null_scans(part: Part, scene: Scene) -> bool:
    if part.kind == "ADD_NOTNULL":
        return _scans(part, scene)
    table = scene.find_table(part.target)
    return table is None or not table.is_proven_not_null(part.detail)


@rule(
    "domain-constraint-scans",
    "AlterDomainStmt",
    why="writes to every table that uses the domain wait while their rows are checked, also by VALIDATE",
    safer="ADD CONSTRAINT ... NOT VALID and VALIDATE in a quiet window, or text with a named CHECK instead of a domain",
)
def domain_constraint_scans(part: Part, _: Scene) -> bool:
    node = part.node
    return node.subtype in ("C", "O", "V") and not (node.def_ is not None and node.def_.skip_validation)


@rule(
    "drop-constraint",
    "AT_DropConstraint",
    why="a guarantee is gone that running code may count on",
    safer="in a file of its own with '-- aias: phase = contract', after a release that does without",
    reach="expand",
)
def drop_constraint(part: Part, scene: Scene) -> bool:
    table = scene.find_table(part.target)
    constraint = table.constraints.get(part.detail) if table else None
    if table is None or constraint is None or constraint.kind != "CHECK":
        return True
    column = is_not_null_test(constraint.expression)
    was_proof_of_nulls = column is not None and column in table.columns and table.columns[column].not_null
    was_proof_of_bounds = table.parent is not None
    return not (was_proof_of_nulls or was_proof_of_bounds)


def _scans(part: Part, scene: Scene) -> bool:
    constraints = list_constraints_of(part.target or "", part.node)
    return any(scans_rows(scene.outline, part.target or "", part.node, constraint) for constraint in constraints)

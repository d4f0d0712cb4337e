"""What is known when a statement is judged: the schema so far, the file it stands in, what its transaction did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.locks import Work
from aias_core.migrate.nodes import kind_of, name_of
from aias_core.migrate.outline import Outline, Relation
from aias_core.migrate.plan import Direction
from aias_core.migrate.statements import Directives, Statement
from aias_core.migrate.walk import list_constraints_of

_ENDS_TRANSACTION = {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"}


@dataclass(slots=True)
class Scene:
    """The surroundings of the statement that is being judged."""

    outline: Outline
    directives: Directives = field(default_factory=Directives)
    direction: Direction = "up"
    statements: list[Statement] = field(default_factory=list)
    in_transaction: bool = True
    unvalidated: set[tuple[str, str]] = field(default_factory=set)
    new_labels: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    has_long_name: bool = False
    work: Work = field(default_factory=lambda: Work("short_lock", "safe", (), True))

    def is_live(self, target: str | None) -> bool:
        """Whether others may use an object: it was there before the file, as far as anybody knows."""
        return target is None or target not in self.outline.made

    def find_table(self, name: str | None) -> Relation | None:
        return self.outline.relations.get(name or "")

    def is_partitioned(self, name: str | None) -> bool:
        table = self.find_table(name)
        return table is not None and bool(table.key)

    def remember(self, statement: Statement) -> None:
        """Keeps what matters for the rest of the transaction, and ends that where the statement does."""
        node = statement.node
        match kind_of(node):
            case "TransactionStmt":
                self._begin_or_end(node)
            case "AlterEnumStmt" if not node.oldVal and self.in_transaction:
                self.new_labels.add(node.newVal)
            case "AlterTableStmt" if self.in_transaction:
                added = (command.def_ for command in node.cmds if command.subtype.name == "AT_AddConstraint")
                table = name_of(node.relation)
                constraints = (c for item in added for c in list_constraints_of(table, item))
                self.unvalidated |= {(table, constraint.name) for constraint in constraints if not constraint.valid}

    def _begin_or_end(self, node: Any) -> None:
        if node.kind.name in ("TRANS_STMT_BEGIN", "TRANS_STMT_START"):
            self.in_transaction = True
        elif node.kind.name in _ENDS_TRANSACTION:
            self.in_transaction = self.directives.transaction == "required"
            self.unvalidated.clear()
            self.touched.clear()
            self.new_labels.clear()

    def makes_again(self, kind: str, part: Part) -> bool:
        """Whether the same file makes a policy or trigger on the table of one that it drops."""
        attribute = "table" if kind == "CreatePolicyStmt" else "relation"
        nodes = (statement.node for statement in self.statements if kind_of(statement.node) == kind)
        return any(name_of(getattr(node, attribute)) == part.target for node in nodes)

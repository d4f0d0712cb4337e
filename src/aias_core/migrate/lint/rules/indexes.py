"""Rules about indexes."""

from __future__ import annotations

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import option_of


@rule(
    "index-not-concurrent",
    "IndexStmt",
    why="every write waits until the whole index is built",
    safer="CREATE INDEX CONCURRENTLY in a file with '-- aias: transaction = none'",
)
def index_not_concurrent(part: Part, scene: Scene) -> bool:
    return not part.node.concurrent and not scene.is_partitioned(part.target)


@rule(
    "index-on-partitioned-table",
    "IndexStmt",
    why="writes to every partition wait until the indexes of all of them are built",
    safer="CREATE INDEX ... ON ONLY the parent, CONCURRENTLY on each partition, then ALTER INDEX ... ATTACH PARTITION",
)
def index_on_partitioned_table(part: Part, scene: Scene) -> bool:
    return bool(part.node.relation.inh) and scene.is_partitioned(part.target)


@rule(
    "drop-index-not-concurrent",
    "DropStmt",
    why="it waits behind every reader of the table, and everybody waits behind it",
    safer="DROP INDEX CONCURRENTLY in a file with '-- aias: transaction = none', once the index is proven unused",
)
def drop_index_not_concurrent(part: Part, scene: Scene) -> bool:
    is_index = part.node.removeType.name == "OBJECT_INDEX"
    return is_index and not part.node.concurrent and scene.is_live(scene.outline.find_index_table(part.target or ""))


@rule(
    "reindex-not-concurrent",
    "ReindexStmt",
    why="writes wait, and so does every query whose plan looks at the index",
    safer="REINDEX ... CONCURRENTLY in a file with '-- aias: transaction = none'",
)
def reindex_not_concurrent(part: Part, _: Scene) -> bool:
    return option_of(part.node.params, "concurrently") is None

"""Rules about partitions."""

from __future__ import annotations

from aias_core.migrate.alterations import is_bounded
from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import name_of


@rule(
    "attach-partition-scans",
    "AT_AttachPartition",
    why="the new part, and the default partition where there is one, are read from end to end while everybody waits",
    safer="a validated CHECK of the bounds on the new part, one that excludes them on the default, then ATTACH",
)
def attach_partition_scans(part: Part, scene: Scene) -> bool:
    bound, parent = part.node.def_.bound, part.target or ""
    if bound is None:
        return False
    child = name_of(part.node.def_.name)
    default = scene.outline.find_default_partition(parent)
    is_default_read = default is not None and not is_bounded(scene.outline, parent, default.name, bound)
    return is_default_read or (scene.is_live(child) and not is_bounded(scene.outline, parent, child, bound))


@rule(
    "detach-partition-not-concurrent",
    "AT_DetachPartition",
    why="all partitions are closed behind the slowest reader",
    safer="DETACH PARTITION ... CONCURRENTLY in a file with '-- aias: transaction = none'",
)
def detach_partition_not_concurrent(part: Part, scene: Scene) -> bool:
    return not part.node.def_.concurrent and scene.is_live(name_of(part.node.def_.name))


@rule(
    "detach-beside-default",
    "AT_DetachPartition",
    why="CONCURRENTLY is refused while the table has a default partition",
    safer="DETACH in a declared window, or DROP of a partition that is empty",
)
def detach_beside_default(part: Part, scene: Scene) -> bool:
    has_default = scene.outline.find_default_partition(part.target or "") is not None
    return bool(part.node.def_.concurrent) and has_default


@rule(
    "partition-of-existing",
    "CreateStmt",
    why="the parent is closed to everybody, and a default partition is read from end to end",
    safer="CREATE TABLE ... (LIKE parent INCLUDING DEFAULTS INCLUDING CONSTRAINTS), then ATTACH PARTITION",
    reach="any",
)
def partition_of_existing(part: Part, scene: Scene) -> bool:
    return part.node.partbound is not None and scene.is_live(name_of(part.node.inhRelations[0]))

"""Rules about what copies or closes a whole table."""

from __future__ import annotations

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import is_on


@rule(
    "vacuum-full",
    "VacuumStmt",
    why="the table is closed to everybody while it is copied, and needs its size on disk again",
    safer="plain VACUUM; pg_repack outside migrations",
)
def vacuum_full(part: Part, _: Scene) -> bool:
    return bool(part.node.is_vacuumcmd) and is_on(part.node.options, "full")


@rule(
    "cluster",
    "ClusterStmt",
    why="the table is closed to everybody while it is copied",
    safer="pg_repack outside migrations, or the order kept by new partitions",
)
def cluster(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "refresh-not-concurrent",
    "RefreshMatViewStmt",
    why="readers of the view wait for the whole query",
    safer="REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index, or a rollup table",
)
def refresh_not_concurrent(part: Part, _: Scene) -> bool:
    return not part.node.concurrent


@rule(
    "set-logged",
    "AT_SetUnLogged",
    "AT_SetLogged",
    why="the table is copied while everybody waits; an unlogged one is emptied by a crash and missing on replicas",
    safer="CREATE UNLOGGED TABLE from the start, and only for scratch data",
)
def set_logged(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "set-tablespace",
    "AT_SetTableSpace",
    "AlterTableMoveAllStmt",
    "AT_SetAccessMethod",
    why="the table is closed to everybody while its files are copied, and managed servers have no tablespaces",
    safer="a new table there, filled in batches and swapped, or the table left where it is",
)
def set_tablespace(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "lock-table",
    "LockStmt",
    why="it holds others up for the rest of the transaction",
    safer="locks on rows, or an advisory lock",
)
def lock_table(_part: Part, _scene: Scene) -> bool:
    return True


@rule(
    "trigger-on-existing-table",
    "CreateTrigStmt",
    why="writes wait for it, and from then on every row pays for it",
    safer="FOR EACH STATEMENT or a WHEN condition, in a file of its own, its cost measured",
)
def trigger_on_existing_table(part: Part, _: Scene) -> bool:
    return bool(part.node.row) and part.node.whenClause is None


@rule(
    "replica-identity-full",
    "AT_ReplicaIdentity",
    why="every change writes the whole old row to the log",
    safer="REPLICA IDENTITY USING INDEX of a key",
    reach="any",
)
def replica_identity_full(part: Part, _: Scene) -> bool:
    return bool(part.node.def_.identity_type == "f")

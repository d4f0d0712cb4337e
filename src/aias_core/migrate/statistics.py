"""Statistics of a live database put into a rehearsal's, so that its planner expects the live one's rows.

Sizes, row counts and the shares of nulls and of distinct values are copied; values of columns are not, since they may
be personal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aias_core.migrate.history import queries

if TYPE_CHECKING:
    from psycopg import Connection


def copy_statistics(live: Connection, scratch: Connection) -> None:
    """Gives each relation and column that both have the statistics of the live one; of partitions, their sum."""
    for kind in ("relation", "column"):
        rows = live.execute(queries[f"list_{kind}_statistics"]).fetchall()
        scratch.cursor().executemany(queries[f"restore_{kind}_statistics"], rows)


def estimate_rows(scratch: Connection, relations: Iterable[str]) -> dict[str, int]:
    """The rows that the copied statistics expect in each relation; none for one without."""
    rows = scratch.execute(queries["estimate_copied_rows"], {"relations": list(relations)})
    return {name: count for name, count in rows if count > 0}

"""The order in which tables can be emptied: those that refer to others first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from aias_core.retention.stores import queries

if TYPE_CHECKING:
    from psycopg import Connection


def order_tables(
    connection: Connection, tables: Iterable[str], before: Mapping[str, set[str]] | None = None
) -> list[str]:
    """The tables so that none comes before one that refers to it; `before` names more that must be done first."""
    wanted = sorted(set(tables))
    first: dict[str, set[str]] = {table: set((before or {}).get(table, ())) & set(wanted) for table in wanted}
    for child, parent in connection.execute(queries["list_references"]):
        if child in first and parent in first:
            first[parent].add(child)
    return list(TopologicalSorter(first).static_order())

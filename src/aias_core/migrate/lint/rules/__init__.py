"""The rules about statements, by what they are about; importing the package fills the table."""

from aias_core.migrate.lint.rules import (
    columns,
    constraints,
    indexes,
    maintenance,
    partitions,
    removals,
    rights,
    rows,
    transactions,
    types,
)

__all__ = [
    "columns",
    "constraints",
    "indexes",
    "maintenance",
    "partitions",
    "removals",
    "rights",
    "rows",
    "transactions",
    "types",
]

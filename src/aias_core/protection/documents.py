"""The documents of both databases, each column with its class from the data policy."""

from __future__ import annotations

from pathlib import Path

from aias_core.database.bootstrap import DATABASES
from aias_core.migrate.documents import build_documents
from aias_core.migrate.target import Target
from aias_core.protection.policy import load_policy
from aias_core.secret import Secret


def build_all(wanted: str, out: Path) -> dict[Path, str]:
    """Every document by its path, of one database or of `all`."""
    policy = load_policy()
    documents: dict[Path, str] = {}
    for database in DATABASES if wanted == "all" else (wanted,):
        tables = policy.tables(database)
        classes = {
            (table, column): entry.data_class
            for table, rows in tables.items()
            for column, entry in rows.columns.items()
        }
        documents |= build_documents(Target(database, Secret("")), classes, out)
    return documents

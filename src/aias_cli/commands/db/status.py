"""aias db status"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound


class Database(StrEnum):
    """The databases a command works on."""

    OPERATIONAL = "operational"
    ANALYTICS = "analytics"
    ALL = "all"


def list_databases(choice: Database) -> list[str]:
    return ["operational", "analytics"] if choice is Database.ALL else [choice.value]


def status(
    ctx: typer.Context,
    database: Annotated[Database, typer.Option("--database", help="Which one.")] = Database.ALL,
    check: Annotated[bool, typer.Option("--check", help="End with 10 when anything is pending.")] = False,
) -> None:
    """Show the schema version of each database and what is pending.

    Example: aias db status --check
    """
    from aias_core.migrate.runner import read_status

    context = current(ctx)
    endpoints = context.environment().endpoints()
    found = [read_status(name, endpoints.dsn(name, "aias_migrator")) for name in list_databases(database)]
    rows = [
        {
            "database": s.database,
            "version": s.version,
            "applied": len(s.applied),
            "pending": [m.name for m in s.pending],
        }
        for s in found
    ]
    context.printer.result(
        "aias.db.status/1", {"databases": rows}, "databases", ["database", "version", "applied", "pending"]
    )
    if check and any(status.pending for status in found):
        raise DifferenceFound("Migrations are pending", hint="apply them with: aias db migrate")

"""aias db diff"""

from __future__ import annotations

import typer

from aias_cli.commands.db.options import Database, DatabaseOption, DirectoryOption, find_targets
from aias_cli.context import current
from aias_core.errors import DifferenceFound

COLUMNS = ("database", "change", "kind", "name", "expected", "found")


def diff(ctx: typer.Context, database: DatabaseOption = Database.ALL, directory: DirectoryOption = None) -> None:
    """Compare each live catalogue with what its applied files give; ends with 10 on any difference.

    The SQL that would end the difference is a note, and a member of the JSON.

    Example: aias db diff --database operational
    """
    from aias_core.migrate.expected import find_differences

    context = current(ctx)
    found = [find_differences(target) for target in find_targets(context, database, directory)]
    rows = [{"database": item["database"], **difference} for item in found for difference in item["differences"]]
    context.printer.result("aias.db.diff/1", {"databases": found}, rows, COLUMNS)
    for statement in (statement for item in found for statement in item["sql"]):
        context.printer.note(f"{statement};")
    if rows:
        raise DifferenceFound(
            f"Objects that are not what the files give: {len(rows)}", hint="run the SQL above, or write a migration"
        )

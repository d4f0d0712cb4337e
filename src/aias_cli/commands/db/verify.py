"""aias db verify"""

from __future__ import annotations

import typer

from aias_cli.commands.db.options import Database, DatabaseOption, DirectoryOption, find_targets
from aias_cli.context import current
from aias_core.errors import DifferenceFound


def verify(ctx: typer.Context, database: DatabaseOption = Database.ALL, directory: DirectoryOption = None) -> None:
    """Recompute what each database promises: history, catalogue, indexes, row security, triggers, audit chain.

    Example: aias db verify --database operational
    """
    from aias_core.migrate.verify import verify_database

    context = current(ctx)
    verdicts = [v.as_record() for target in find_targets(context, database, directory) for v in verify_database(target)]
    columns = ("database", "check", "looked_at", "holds", "found")
    context.printer.result("aias.db.verify/1", {"checks": verdicts}, "checks", columns)
    if broken := [verdict for verdict in verdicts if not verdict["holds"]]:
        raise DifferenceFound(f"Checks that do not hold: {len(broken)}", hint="see them with: aias db verify")

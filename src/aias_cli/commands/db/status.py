"""aias db status"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.options import Database, DatabaseOption, DirectoryOption, find_targets
from aias_cli.context import current

COLUMNS = ("database", "version", "applied", "applied_at", "pending", "unfinished", "failed", "drift", "lock_holder")


def status(
    ctx: typer.Context,
    database: DatabaseOption = Database.ALL,
    directory: DirectoryOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="End with 10 for pending or drift, 9 for unfinished, 1 for failed.")
    ] = False,
) -> None:
    """Show the version of each database, what is pending, unfinished or failed, and who is at work on it.

    Example: aias db status --check
    """
    from aias_core.migrate.report import check_standing, describe_standing

    context = current(ctx)
    rows = [describe_standing(target) for target in find_targets(context, database, directory)]
    context.printer.result("aias.db.status/1", {"databases": rows}, "databases", COLUMNS)
    if check:
        check_standing(rows)

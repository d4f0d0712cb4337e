"""aias db rehearse"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.options import Database, DatabaseOption, DirectoryOption, find_targets
from aias_cli.context import current

COLUMNS = ("database", "version", "slug", "up_ms", "down_ms", "proven", "differences", "changed_rows")


def rehearse(
    ctx: typer.Context,
    database: DatabaseOption = Database.ALL,
    directory: DirectoryOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="As far as this version.")] = None,
    from_empty: Annotated[
        bool, typer.Option("--from-empty", help="All files on an empty database; needs no environment.")
    ] = False,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Rows in each table meanwhile.")] = 20,
    sample: Annotated[bool, typer.Option("--sample", help="Rows of the target instead of generated ones.")] = False,
    max_rollback: Annotated[
        float, typer.Option("--max-rollback", metavar="SECONDS", help="End with 11 when a down takes longer.")
    ] = 60,
) -> None:
    """Execute what is pending on a scratch server with the target's schema: up, down, up again, and compare.

    Ends with 10 where down is not the exact inverse or rows changed. Nothing of the target is changed.

    Example: aias db rehearse --database operational --from-empty
    """
    from aias_core.environments.databases import offline_targets
    from aias_core.migrate.rehearse import RehearsalOptions, check_rehearsals, rehearse_all

    context = current(ctx)
    find = offline_targets if from_empty else lambda name, files: find_targets(context, Database(name), files)
    options = RehearsalOptions(to, from_empty, rows, sample)
    records = rehearse_all(find(database.value, directory), options, context.printer.note)
    lines = [{"database": record["database"], **version} for record in records for version in record["versions"]]
    context.printer.result("aias.db.rehearse/1", {"rehearsals": records}, lines, COLUMNS)
    check_rehearsals(records, max_rollback)

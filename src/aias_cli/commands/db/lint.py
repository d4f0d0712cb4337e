"""aias db lint"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.db.options import Database, DatabaseOption
from aias_cli.context import current
from aias_core.errors import DifferenceFound


def lint(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or directories [those shipped].")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="GITREF", help="Only files that changed after this commit.")
    ] = None,
    database: DatabaseOption = Database.ALL,
) -> None:
    """Judge migration files without a server: what blocks, loses, breaks or leaves things unsaid. 10 with findings.

    Example: aias db lint migrations/operational --since origin/main
    """
    from aias_core.environments.databases import list_databases
    from aias_core.migrate.files import default_directory
    from aias_core.migrate.lint.run import lint_paths
    from aias_core.protection.policy import list_known_columns

    chosen = paths or [default_directory(name) for name in list_databases(database)]
    report = lint_paths(chosen, since, list_known_columns)
    printer = current(ctx).printer
    printer.result("aias.db.lint/1", report.as_record(), "findings", ["place", "severity", "rule", "message", "safer"])
    printer.note(f"Looked at {report.files} files")
    if report.errors:
        raise DifferenceFound(
            f"Errors found by lint: {report.errors}",
            hint="correct them, or say why it may be so: -- aias:allow RULE REASON",
        )

"""aias db plan"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from aias_cli.commands.db.options import Database, DatabaseOption, DirectoryOption, find_targets
from aias_cli.context import CommandContext, current
from aias_core.errors import DifferenceFound

COLUMNS = ("database", "file", "line", "statement", "locks", "class", "risk", "rows")


def plan(
    ctx: typer.Context,
    database: DatabaseOption = Database.ALL,
    directory: DirectoryOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="As far as this version.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the plan there, to sign.")] = None,
    check: Annotated[bool, typer.Option("--check", help="End with 10 when there is something to do.")] = False,
) -> None:
    """Show what `migrate` would run: each statement with its locks, its risk, and what stands in the way.

    Example: aias db plan --out plan.json
    """
    from aias_core.migrate.report import describe_plans, list_statements, write_plans

    context = current(ctx)
    document = describe_plans(context.env, find_targets(context, database, directory), to=to)
    if out is not None:
        write_plans(document, out)
        context.printer.note(f"Written to {out}")
    print_plans(context, document)
    if check and list_statements(document):
        raise DifferenceFound("Migrations are pending", hint="apply them with: aias db migrate")


def print_plans(context: CommandContext, document: Mapping[str, Any]) -> None:
    """Prints a described plan; what stands in its way is a note for people and a member of the document."""
    from aias_core.migrate.report import PLAN_SCHEMA, describe_unknown_disks, list_statements

    context.printer.result(PLAN_SCHEMA, document, list_statements(document), COLUMNS)
    for sentence in describe_unknown_disks(document):
        context.printer.note(sentence)
    for obstacle in document["obstacles"]:
        context.printer.note(f"In the way: {obstacle['sentence']} (--allow {obstacle['name']})")

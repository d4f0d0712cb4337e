"""aias db docs check"""

from __future__ import annotations

import typer

from aias_cli.commands.db.docs.generate import DEFAULT_OUT, OutOption
from aias_cli.commands.db.options import Database, DatabaseOption
from aias_cli.context import current
from aias_core.errors import DifferenceFound


def check(ctx: typer.Context, database: DatabaseOption = Database.ALL, out: OutOption = DEFAULT_OUT) -> None:
    """Compare the documents with what the migrations give now; ends with 10 when one is stale.

    Example: aias db docs check
    """
    from aias_core.migrate.documents import list_stale
    from aias_core.protection.documents import build_all

    context = current(ctx)
    rows = [{"file": str(path)} for path in list_stale(build_all(database.value, out))]
    context.printer.result("aias.db.docs.check/1", {"stale": rows}, "stale", ("file",))
    if rows:
        raise DifferenceFound(f"Stale documents: {len(rows)}", hint="write them again with: aias db docs generate")

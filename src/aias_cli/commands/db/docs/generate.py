"""aias db docs generate"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.db.options import Database, DatabaseOption
from aias_cli.context import current

OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the documents are.")]
DEFAULT_OUT = Path("docs/schema")


def generate(ctx: typer.Context, database: DatabaseOption = Database.ALL, out: OutOption = DEFAULT_OUT) -> None:
    """Write dictionary, entity diagram, entities and changes of each database, and its expected fingerprints.

    Example: aias db docs generate
    """
    from aias_core.migrate.documents import write_documents
    from aias_core.protection.documents import build_all

    context = current(ctx)
    written = write_documents(build_all(database.value, out))
    rows = [{"file": str(path)} for path in written]
    context.printer.result("aias.db.docs.generate/1", {"written": rows}, "written", ("file",))

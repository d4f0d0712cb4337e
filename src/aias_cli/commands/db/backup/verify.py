"""aias db backup verify"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.backup.options import From
from aias_cli.context import current


def verify(
    ctx: typer.Context,
    backup: Annotated[str | None, typer.Argument(metavar="BACKUP", help="Which one [the newest].")] = None,
    source: From = None,
) -> None:
    """Read and decrypt every file of a backup and compare it with its manifest; 10 when anything is not as written.

    Example: aias db backup verify
    """
    from aias_core.backup.inspect import verify_backup
    from aias_core.environments.backups import find_site

    context = current(ctx)
    site = find_site(context.environment(), needs_server=False)
    found = verify_backup(site, source, backup, context.printer.note)
    context.printer.result("aias.db.backup.verify/1", found, "files", ["file", "bytes", "sha256"])

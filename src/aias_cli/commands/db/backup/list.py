"""aias db backup list"""

from __future__ import annotations

import typer

from aias_cli.commands.db.backup.options import From
from aias_cli.context import current


def list_(ctx: typer.Context, source: From = None) -> None:
    """List the backups, oldest first, each with its last drill and the state of its archive.

    Example: aias db backup list
    """
    from aias_core.backup.inspect import list_backups
    from aias_core.environments.backups import find_site

    context = current(ctx)
    found = list_backups(find_site(context.environment(), needs_server=False), source)
    columns = ["backup", "kind", "at", "bytes", "rows", "archive", "drilled_at", "drill_passed"]
    context.printer.result("aias.db.backup.list/1", found, "backups", columns)

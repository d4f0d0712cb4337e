"""aias db restore-drill"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.backup.options import From
from aias_cli.context import current


def restore_drill(
    ctx: typer.Context,
    backup: Annotated[str | None, typer.Option("--backup", help="Which one [the newest].")] = None,
    source: From = None,
    max_rpo: Annotated[float | None, typer.Option("--max-rpo", help="Seconds of work that may be lost.")] = None,
    max_rto: Annotated[float | None, typer.Option("--max-rto", help="Seconds that restoring may take.")] = None,
) -> None:
    """Restore a backup in scratch, check every page, index and row, and report what is lost (RPO) and how long (RTO).

    Example: aias db restore-drill --max-rpo 900 --max-rto 3600
    """
    from aias_core.backup.drill import check_objectives, run_drill
    from aias_core.environments.backups import find_site

    context = current(ctx)
    drill = run_drill(find_site(context.environment(), needs_server=False), source, backup, context.printer.note)
    context.printer.result("aias.db.restore_drill/1", drill.as_record())
    check_objectives(drill, max_rpo, max_rto)

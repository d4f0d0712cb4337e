"""aias db restore"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.backup.options import From
from aias_cli.context import current


def restore(
    ctx: typer.Context,
    to_time: Annotated[
        str | None,
        typer.Option("--to-time", metavar="TIME|latest", help="A later moment, for example 2026-10-01T12:00:00Z."),
    ] = None,
    backup: Annotated[str | None, typer.Option("--backup", help="Which one [the newest that fits].")] = None,
    source: From = None,
    into: Annotated[str, typer.Option("--into", metavar="NAME", help="Ending of the new databases.")] = "restored",
    promote: Annotated[
        bool, typer.Option("--promote", help="Put what was restored in the place of the live databases; asks.")
    ] = False,
) -> None:
    """Restore both databases beside the live ones, checked; look at them, then run it again with --promote.

    Example: aias db restore --to-time latest
    """
    from aias_core.backup.promote import has_restored
    from aias_core.backup.promote import promote as run_promotion
    from aias_core.backup.restore import Wish, parse_moment
    from aias_core.backup.restore import restore as run_restore
    from aias_core.environments.backups import find_site

    context = current(ctx)
    wish = Wish(into, backup, source, parse_moment(to_time))
    site = find_site(context.environment())
    if promote:
        context.confirm(f"Put what is restored as '{into}' in the place of the live databases of '{context.env}'?")
    is_there = promote and not wish.asks_for_more and has_restored(site, into)
    result = {} if is_there else run_restore(site, wish, context.printer.note).as_record()
    if promote:
        result |= run_promotion(site, into)
    context.printer.result("aias.db.restore/1", result)

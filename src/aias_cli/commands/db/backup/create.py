"""aias db backup create"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def create(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DIR|s3://BUCKET/PREFIX", help="Where it goes [the environment's own]."),
    ] = None,
    keep: Annotated[int, typer.Option("--keep", min=1, help="Days after which older ones are removed.")] = 30,
    logical: Annotated[
        bool, typer.Option("--logical", help="Dump each database, as for a server that is not our own.")
    ] = False,
) -> None:
    """Copy, encrypt and read back both databases; done means that it was read back. Archives the log from then on.

    Example: aias db backup create --to s3://aias-exports/backups
    """
    from aias_core.backup.create import create_backup
    from aias_core.environments.backups import find_site

    context = current(ctx)
    site = find_site(context.environment(), logical=logical)
    created = create_backup(site, to, keep, context.printer.note)
    context.printer.result("aias.db.backup.create/1", created.as_record())

"""aias analytics exports download"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.analytics.exports.options import JobArgument, find_place
from aias_cli.context import current


def download(
    ctx: typer.Context,
    job: JobArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where both files go.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Fetch the file of a job and its manifest, and check them.

    Example: aias analytics exports download 019a0000-0000-7000-8000-000000000000 --out exports
    """
    from aias_core.finance.jobs.fetch import fetch_file
    from aias_core.finance.jobs.store import get_job

    context = current(ctx)
    endpoints = context.environment().endpoints()
    with endpoints.analytics_connection() as connection:
        found = get_job(connection, job)
    fetched = fetch_file(found, find_place(endpoints, found), out, force=force)
    context.printer.result("aias.analytics.exports.download/1", fetched)

"""aias analytics exports show"""

from __future__ import annotations

import typer

from aias_cli.commands.analytics.exports.options import JobArgument
from aias_cli.context import current


def show(ctx: typer.Context, job: JobArgument) -> None:
    """Show one export job: what was asked for, where it stands, what its file adds up to.

    Example: aias analytics exports show 019a0000-0000-7000-8000-000000000000
    """
    from aias_core.finance.jobs.store import get_job

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        found = get_job(connection, job)
    context.printer.result("aias.analytics.export-job/1", found.as_record())

"""aias analytics exports retry"""

from __future__ import annotations

import typer

from aias_cli.commands.analytics.exports.options import JobArgument
from aias_cli.context import current


def retry(ctx: typer.Context, job: JobArgument) -> None:
    """Let a job that failed or was cancelled run again.

    Example: aias analytics exports retry 019a0000-0000-7000-8000-000000000000
    """
    from aias_core.finance.jobs.store import retry_job

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        waiting = retry_job(connection, job)
    context.printer.result("aias.analytics.export-job/1", waiting.as_record())

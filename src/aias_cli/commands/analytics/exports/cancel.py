"""aias analytics exports cancel"""

from __future__ import annotations

import typer

from aias_cli.commands.analytics.exports.options import JobArgument, find_place
from aias_cli.context import current


def cancel(ctx: typer.Context, job: JobArgument) -> None:
    """End a job that is not finished. Nothing of its file stays.

    Example: aias analytics exports cancel 019a0000-0000-7000-8000-000000000000
    """
    from aias_core.finance.jobs.store import cancel_job
    from aias_core.finance.jobs.worker import discard_ended

    context = current(ctx)
    endpoints = context.environment().endpoints()
    with endpoints.analytics_connection() as connection:
        cancelled = cancel_job(connection, job)
        discard_ended(connection, cancelled, find_place(endpoints, cancelled))
    context.printer.result("aias.analytics.export-job/1", cancelled.as_record())

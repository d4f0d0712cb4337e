"""aias analytics exports list"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.commands.analytics.exports.options import COLUMNS
from aias_cli.context import current


class Status(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


def list_(
    ctx: typer.Context,
    org: Annotated[str | None, typer.Option("--org", help="Only those of this organization, by slug or id.")] = None,
    status: Annotated[Status | None, typer.Option("--status", help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 50,
) -> None:
    """List export jobs, newest first.

    Example: aias analytics exports list --status failed
    """
    from aias_core.analytics.dimensions import get_organization
    from aias_core.finance.jobs.store import list_jobs

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        org_id = None if org is None else get_organization(connection, org)[0]
        jobs = list_jobs(connection, org_id=org_id, status=status and status.value, limit=limit)
    data = {"exports": [job.as_record() for job in jobs]}
    context.printer.result("aias.analytics.exports/1", data, "exports", COLUMNS)

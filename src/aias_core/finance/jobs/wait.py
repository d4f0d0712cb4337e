"""Asking for a file and waiting until it is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aias_core import clock
from aias_core.errors import AiasError, TimedOut
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.jobs.store import Job, create_job, get_job

if TYPE_CHECKING:
    from psycopg import Connection

_POLL_SECONDS = 0.2


def run_as_job(
    connection: Connection, request: ExportRequest, requested_by: str, bucket: str, *, wait_seconds: float
) -> Job:
    """A job for the workers of the service, as it is when it has ended; with 0 seconds, as it is now.

    Raises AiasError for one that failed or was cancelled, TimedOut when it has not ended in time; the job goes on.
    """
    job = create_job(connection, request, requested_by, bucket)
    deadline = clock.monotonic() + wait_seconds
    while wait_seconds and job.status in ("pending", "running"):
        if clock.monotonic() > deadline:
            raise TimedOut(
                f"The export '{job.job_id}' is {job.status} after {wait_seconds:.0f} s",
                hint=f"look with: aias analytics exports show {job.job_id}",
            )
        time.sleep(_POLL_SECONDS)
        job = get_job(connection, job.job_id)
    _refuse_without_file(job)
    return job


def _refuse_without_file(job: Job) -> None:
    hint = f"try again with: aias analytics exports retry {job.job_id}"
    if job.status == "cancelled":
        raise AiasError(f"The export '{job.job_id}' was cancelled; there is no file", hint=hint)
    if job.status == "failed":
        raise AiasError(
            f"The export '{job.job_id}' failed: {job.row['error_message']}",
            hint=hint,
        )

"""What the commands of export jobs share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from aias_core.environments.endpoints import Endpoints
    from aias_core.finance.delivery import Place
    from aias_core.finance.jobs.store import Job

COLUMNS = ("job_id", "status", "org", "kind", "format", "granularity", "row_count", "bytes", "attempts", "created_at")
JobArgument = Annotated[UUID, typer.Argument(metavar="JOB", help="Id of the job.")]


def find_place(endpoints: Endpoints, job: Job) -> Place:
    """Where the file of a job is."""
    store = endpoints.object_store()
    return job.place(store.client(), store.encryption)

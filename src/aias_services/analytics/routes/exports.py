"""Export jobs: asked for, looked at, ended, tried again and fetched; and the months that are closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from aias_core.errors import Conflict, InvalidInput
from aias_core.finance.delivery import Place, sign_url
from aias_core.finance.export.filters import find_models, find_projects
from aias_core.finance.export.request import Compression, ExportRequest, Format, Issuer, Kind, Scope, find_window
from aias_core.finance.jobs.fetch import refuse_without_file
from aias_core.finance.jobs.store import Job, cancel_job, create_job, get_job, list_jobs, retry_job
from aias_core.finance.jobs.worker import discard_ended
from aias_core.finance.months.close import list_versions
from aias_core.identity.permissions import Principal
from aias_core.objectstore import ObjectStore
from aias_core.windows import Grain
from aias_services.analytics.reads import Reads, ReadsOf, answer_json
from aias_services.analytics.routes import BASE
from aias_services.kit.callers import Caller

EXPORT, EXPORTS, MONTHS = "aias.analytics.export-job/1", "aias.analytics.exports/1", "aias.analytics.months/1"
ALL = "all"
LINK_SECONDS, LONGEST_LINK_SECONDS = 15 * 60, 24 * 3600
router = APIRouter(prefix=BASE, tags=["exports"])


class DeliveryUnavailable(Conflict):
    """There is no object storage here to deliver files to"""

    code = "delivery_unavailable"


@dataclass(frozen=True, slots=True)
class Storage:
    """Where files of jobs go, and what an environment calls itself on them."""

    objects: ObjectStore
    client: Any
    buckets: tuple[str, ...]
    issuer: Issuer

    def place(self, job: Job) -> Place:
        return job.place(self.client, self.objects.encryption)


def _storage(request: Request) -> Storage | None:
    storage: Storage | None = request.app.state.export_storage
    return storage


StorageOf = Annotated[Storage | None, Depends(_storage)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Bounds(_Part):
    start: str = Field(alias="from")
    end: str = Field(alias="to")


class _Filters(_Part):
    models: Annotated[list[str], Field(max_length=100)] = []
    projects: Annotated[list[str], Field(max_length=100)] = []


class _Delivery(_Part):
    bucket: str


class NewExport(_Part):
    """What file is wanted; the organization is the caller's own unless somebody of the platform names one, or `all`."""

    month: str | None = None
    window: _Bounds | None = None
    org: str | None = None
    granularity: Grain = Grain.DAY
    kind: Kind = Kind.USAGE
    format: Format = Format.CSV
    compression: Literal["none", "gzip", "zstd"] = "none"
    filters: _Filters = _Filters()
    statement_version: int | None = Field(None, ge=0)
    delivery: _Delivery | None = None

    def request(self, issuer: Issuer) -> ExportRequest:
        """The request for all organizations, without filters. Raises InvalidInput."""
        bounds = (self.window.start, self.window.end) if self.window else (None, None)
        compression = {"none": Compression.NONE, "gzip": Compression.GZIP, "zstd": Compression.ZSTD}[self.compression]
        return ExportRequest(
            find_window(self.month, None, *bounds),
            None,
            self.granularity,
            self.kind,
            self.format,
            compression,
            statement=self.statement_version,
            issuer=issuer,
        )


@router.post("/exports", status_code=202, summary="Ask for a file; the job says when it is there")
def post_export(
    request: Request,
    body: NewExport,
    caller: Caller,
    reads: ReadsOf,
    storage: StorageOf,
    idempotency_key: Annotated[str | None, Header(max_length=128)] = None,
) -> Response:
    asked = body.model_dump(mode="json", exclude_unset=True, exclude={"org"})
    org_id = _open(reads, caller, body.org, "usage.export", asked=asked)
    if storage is None:
        raise DeliveryUnavailable(hint="write a local file with: aias analytics export")
    bucket = body.delivery.bucket if body.delivery else storage.buckets[0]
    if bucket not in storage.buckets:
        raise InvalidInput(f"'{bucket}' is not a bucket for exports", hint=f"there are: {', '.join(storage.buckets)}")
    with reads.connection("exports") as connection:
        scope = None if org_id is None else Scope(org_id, _slug_of(connection, org_id))
        models = find_models(connection, body.filters.models, scope)
        projects = find_projects(connection, body.filters.projects, scope)
        wanted = body.request(storage.issuer).narrowed(scope, models, projects)
        job = create_job(connection, wanted, caller.actor_id, bucket, idempotency_key)
    return _answer(request, job, 202)


@router.get("/exports", summary="Jobs, newest first")
def get_exports(
    request: Request,
    caller: Caller,
    reads: ReadsOf,
    org: str | None = None,
    status: Literal["pending", "running", "succeeded", "failed", "cancelled", "expired"] | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    org_id = _open(reads, caller, org, "export.read")
    with reads.connection("exports") as connection:
        jobs = list_jobs(connection, org_id=org_id, status=status, after=cursor, limit=limit + 1)
    page = {"next_cursor": str(jobs[limit - 1].job_id) if len(jobs) > limit else None}
    return answer_json(request, EXPORTS, {"exports": [job.as_record() for job in jobs[:limit]], "page": page})


@router.get("/exports/{job_id}", summary="One job")
def get_export(request: Request, job_id: UUID, caller: Caller, reads: ReadsOf) -> Response:
    return _answer(request, _find(reads, caller, job_id, "export.read"))


@router.post("/exports/{job_id}/cancel", summary="End a job that is not finished; nothing of it stays")
def post_cancel(request: Request, job_id: UUID, caller: Caller, reads: ReadsOf, storage: StorageOf) -> Response:
    _find(reads, caller, job_id, "usage.export", asked={"cancel": str(job_id)})
    with reads.connection("exports") as connection:
        job = cancel_job(connection, job_id)
        if storage is not None:
            discard_ended(connection, job, storage.place(job))
    return _answer(request, job)


@router.post("/exports/{job_id}/retry", summary="Let a job that failed or was cancelled run again", status_code=202)
def post_retry(request: Request, job_id: UUID, caller: Caller, reads: ReadsOf) -> Response:
    _find(reads, caller, job_id, "usage.export", asked={"retry": str(job_id)})
    with reads.connection("exports") as connection:
        return _answer(request, retry_job(connection, job_id), 202)


@router.get("/exports/{job_id}/download", status_code=302, summary="A link to the file, made now and kept nowhere")
def get_download(
    job_id: UUID,
    caller: Caller,
    reads: ReadsOf,
    storage: StorageOf,
    seconds: Annotated[int, Query(ge=1, le=LONGEST_LINK_SECONDS)] = LINK_SECONDS,
) -> Response:
    job = _find(reads, caller, job_id, "export.read", asked={"download": str(job_id)})
    refuse_without_file(job)
    if storage is None:
        raise DeliveryUnavailable
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(sign_url(storage.place(job), seconds), 302, headers)


@router.get("/months", summary="The closed months, each version of them")
def get_months(request: Request, caller: Caller, reads: ReadsOf) -> Response:
    reads.open_platform(caller, [], "export.read")
    with reads.connection("months") as connection:
        return answer_json(request, MONTHS, {"months": list_versions(connection)})


def _answer(request: Request, job: Job, status: int = 200) -> Response:
    answer = answer_json(request, EXPORT, job.as_record())
    answer.status_code = status
    return answer


def _open(
    reads: Reads, caller: Principal, org: str | None, permission: str, *, asked: dict[str, Any] | None = None
) -> UUID | None:
    """The organization that is meant; None is all, which is for the platform only. What says `asked` is recorded."""
    if org is None:
        org = ALL if caller.platform_role else str(caller.org_id)
    if org == ALL and caller.platform_role:
        reads.open_platform(caller, [], permission, **(asked or {}))
        return None
    return reads.open_organization(caller, org, permission, is_recorded=asked is not None, **(asked or {})).org_id


def _find(
    reads: Reads,
    caller: Principal,
    job_id: UUID,
    permission: str,
    *,
    asked: dict[str, Any] | None = None,
) -> Job:
    """A job that the caller may see. Raises NotFound in the same words for one that is not there and a foreign one."""
    with reads.connection("exports") as connection:
        job = get_job(connection, job_id, None if caller.platform_role else caller.org_id)
    org_id = job.row["org_id"]
    _open(reads, caller, ALL if org_id is None else str(org_id), permission, asked=asked)
    return job


def _slug_of(connection: Any, org_id: UUID) -> str:
    from aias_core.analytics.dimensions import get_organization

    return get_organization(connection, str(org_id))[1]

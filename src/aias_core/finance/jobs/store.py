"""Jobs in the database. Every transition is one statement, conditional on the state and on the fence of a lease."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock, ids
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, LimitReached, NotFound
from aias_core.finance.delivery import Place
from aias_core.finance.export.request import Compression, ExportRequest, Format, Issuer, Kind, Scope
from aias_core.windows import Grain, Window

if TYPE_CHECKING:
    from psycopg import Connection

LEASE = timedelta(seconds=60)
PAUSE = timedelta(seconds=10)
LIFETIME = timedelta(days=90)
MOST_UNFINISHED = 20
CHANNEL = "aias_exports"
_COMPRESSIONS = {Compression.NONE: "none", Compression.GZIP: "gzip", Compression.ZSTD: "zstd"}

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands in the database."""

    row: Mapping[str, Any]

    @property
    def job_id(self) -> UUID:
        found: UUID = self.row["job_id"]
        return found

    @property
    def status(self) -> str:
        return str(self.row["status"])

    @property
    def bucket(self) -> str:
        return str(self.row["delivery"]["bucket"])

    @property
    def object_key(self) -> str:
        """Where the file goes: the same for every worker that tries."""
        request = self.request()
        whose = self.row["org_id"] or "all"
        ending = "" if request.compression is Compression.NONE else f".{request.compression}"
        return f"exports/{whose}/{request.period}/{self.job_id}.{request.format}{ending}"

    def place(self, client: Any, encryption: str | None = None) -> Place:
        """Where its file is, through a client of object storage."""
        return Place(client, self.bucket, self.object_key, encryption)

    def request(self) -> ExportRequest:
        """What was asked for."""
        row, filters = self.row, self.row["filters"]
        compression = {text: value for value, text in _COMPRESSIONS.items()}[row["compression"]]
        return ExportRequest(
            Window(row["window_start"], row["window_end"]),
            None if row["org_id"] is None else Scope(row["org_id"], filters["org"]),
            Grain(row["granularity"]),
            Kind(row["kind"]),
            Format(row["format"]),
            compression,
            tuple(map(UUID, filters["models"])),
            tuple(map(UUID, filters["projects"])),
            row["statement_version"],
            Issuer(**filters["issuer"]),
        )

    def as_record(self) -> dict[str, Any]:
        """The job as its owner sees it: no lease, no link."""
        row = self.row
        return {
            "job_id": str(self.job_id),
            "org_id": row["org_id"] and str(row["org_id"]),
            "org": row["filters"]["org"],
            "requested_by": row["requested_by"],
            "status": self.status,
            **{name: row[name] for name in ("kind", "format", "compression", "granularity", "statement_version")},
            "window": {"from": clock.format_second(row["window_start"]), "to": clock.format_second(row["window_end"])},
            **{name: row[name] for name in ("attempts", "bytes", "row_count")},
            **{name: row[name] and bytes(row[name]).hex() for name in ("sha256", "content_sha256")},
            "month_status": (row["manifest"] or {}).get("month_status"),
            "totals": (row["manifest"] or {}).get("totals"),
            **{name: _instant(row[name]) for name in ("created_at", "finished_at", "expires_at")},
            "error": row["error_code"] and {"code": row["error_code"], "message": row["error_message"]},
        }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else clock.format_instant(at)


def create_job(
    connection: Connection, request: ExportRequest, requested_by: str, bucket: str, idempotency_key: str | None = None
) -> Job:
    """A new job, or the one that was made before with the same key.

    Raises Conflict for the same key with another request, LimitReached when too many jobs are unfinished.
    """
    row = _describe(request, requested_by, bucket, idempotency_key)
    with connection.transaction():
        found = connection.execute(_queries["find_by_key"], row).fetchone()
        if found is None:
            _refuse_too_many(connection, row)
            found = connection.execute(_queries["insert_job"], row).fetchone()
        if found is None:
            found = connection.execute(_queries["find_by_key"], row).fetchone()
        job = get_job(connection, found[0] if found else row["job_id"])
        connection.execute(_queries["notify_workers"], {"channel": CHANNEL, "job_id": job.job_id})
    if job.request() != request:
        raise Conflict("The idempotency key was used for another export", hint="use a fresh key")
    return job


def _describe(request: ExportRequest, requested_by: str, bucket: str, key: str | None) -> dict[str, Any]:
    from psycopg.types.json import Jsonb

    filters = {
        "org": request.scope.slug if request.scope else "all",
        "models": [str(model) for model in request.models],
        "projects": [str(project) for project in request.projects],
        "issuer": {"name": request.issuer.name, "service": request.issuer.service},
    }
    return {
        "job_id": ids.new_id(),
        "org_id": request.scope.org_id if request.scope else None,
        "requested_by": requested_by,
        "kind": str(request.kind),
        "format": str(request.format),
        "compression": _COMPRESSIONS[request.compression],
        "window_start": request.window.start,
        "window_end": request.window.end,
        "granularity": str(request.granularity),
        "filters": Jsonb(filters),
        "statement_version": request.statement,
        "delivery": Jsonb({"bucket": bucket}),
        "idempotency_key": key,
    }


def _refuse_too_many(connection: Connection, row: Mapping[str, Any]) -> None:
    count = connection.execute(_queries["count_unfinished"], row).fetchone()
    if count and count[0] >= MOST_UNFINISHED:
        raise LimitReached(f"{count[0]} exports are unfinished", hint="wait, or cancel one of them")


def claim_job(connection: Connection, holder: str, lease: timedelta = LEASE, pause: timedelta = PAUSE) -> Job | None:
    """The next job, leased to a worker; None when there is nothing to do."""
    return _one(connection, "claim_job", {"holder": holder, "lease": lease, "pause": pause})


def give_up_exhausted(connection: Connection) -> list[Job]:
    """Ends the jobs whose workers have died too often."""
    return _many(connection, "give_up_exhausted", {})


def renew_lease(connection: Connection, job: Job, lease: timedelta = LEASE) -> bool:
    """Whether the job is still this worker's; its lease begins anew."""
    return connection.execute(_queries["renew_lease"], {**_fence(job), "lease": lease}).rowcount == 1


@contextmanager
def hold_leased(connection: Connection, job: Job) -> Iterator[bool]:
    """Whether the job is still this worker's; in the block nobody else can take, end or retry it."""
    with connection.transaction():
        yield connection.execute(_queries["lock_leased"], _fence(job)).fetchone() is not None


@contextmanager
def hold_in(connection: Connection, job_id: UUID, *statuses: str) -> Iterator[bool]:
    """Whether the job is in one of these states; in the block it stays there."""
    with connection.transaction():
        row = {"job_id": job_id, "statuses": list(statuses)}
        yield connection.execute(_queries["lock_in"], row).fetchone() is not None


def finish_job(connection: Connection, job: Job, manifest: Mapping[str, Any]) -> bool:
    """Whether the job, still this worker's, is now done."""
    from psycopg.types.json import Jsonb

    facts = {name: manifest[name] for name in ("bytes", "row_count", "sha256", "content_sha256")}
    row = {**_fence(job), **facts, "object_key": job.object_key, "manifest": Jsonb(manifest), "lifetime": LIFETIME}
    return connection.execute(_queries["finish_job"], row).rowcount == 1


def fail_job(connection: Connection, job: Job, code: str, message: str, *, retry: bool) -> bool:
    """Whether the job, still this worker's, has failed; one that may be retried waits again, at most five times."""
    row = {**_fence(job), "error_code": code, "error_message": message, "retry": retry}
    return connection.execute(_queries["fail_job"], row).rowcount == 1


def release_job(connection: Connection, job: Job) -> bool:
    """Whether the job, still this worker's, waits again as if it had not been tried."""
    return connection.execute(_queries["release_job"], _fence(job)).rowcount == 1


def cancel_job(connection: Connection, job_id: UUID) -> Job:
    """Ends a job that is not finished. Raises NotFound, Conflict for one that is."""
    return _change(connection, "cancel_job", job_id, "cancelled")


def retry_job(connection: Connection, job_id: UUID) -> Job:
    """Lets a job that has failed or was cancelled wait again. Raises NotFound, Conflict for any other."""
    with connection.transaction():
        job = _change(connection, "retry_job", job_id, "retried")
        connection.execute(_queries["notify_workers"], {"channel": CHANNEL, "job_id": job_id})
    return job


def get_job(connection: Connection, job_id: UUID, org_id: UUID | None = None) -> Job:
    """A job, of one organization where that is given. Raises NotFound."""
    job = _one(connection, "find_job", {"job_id": job_id, "org_id": org_id})
    if job is None:
        raise NotFound(f"There is no export '{job_id}'", hint="see which there are: aias analytics exports list")
    return job


def list_jobs(
    connection: Connection,
    *,
    org_id: UUID | None = None,
    status: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Job]:
    """Jobs, newest first, from after a job on."""
    wanted = {"org_id": org_id, "status": status, "after": after, "limit": limit}
    return _many(connection, "list_jobs", wanted)


def list_expired(connection: Connection) -> list[Job]:
    """Done jobs whose files have outlived their time."""
    return _many(connection, "list_expired", {"now": clock.now()})


def expire_job(connection: Connection, job: Job) -> None:
    """Says that the file of a job is gone."""
    connection.execute(_queries["expire_job"], {"job_id": job.job_id})


def list_buckets(connection: Connection) -> set[str]:
    """The buckets in which jobs may have something."""
    return {str(row[0]) for row in connection.execute(_queries["list_buckets"])}


def list_jobs_in(connection: Connection, *statuses: str) -> set[str]:
    """The ids of the jobs in these states."""
    return {str(row[0]) for row in connection.execute(_queries["list_jobs_in"], {"statuses": list(statuses)})}


def _change(connection: Connection, query: str, job_id: UUID, done: str) -> Job:
    job = _one(connection, query, {"job_id": job_id})
    if job is None:
        status = get_job(connection, job_id).status
        raise Conflict(
            f"The export '{job_id}' is {status} and cannot be {done}",
            hint=f"look with: aias analytics exports show {job_id}",
        )
    return job


def _fence(job: Job) -> dict[str, Any]:
    return {"job_id": job.job_id, "fence": job.row["fence"]}


def _one(connection: Connection, query: str, parameters: Mapping[str, Any]) -> Job | None:
    return next(iter(_many(connection, query, parameters)), None)


def _many(connection: Connection, query: str, parameters: Mapping[str, Any]) -> list[Job]:
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        return [Job(row) for row in cursor.execute(_queries[query], parameters)]

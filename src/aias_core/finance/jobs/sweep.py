"""Removing what is past its time, and what jobs that ended without a file have left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.errors import AiasError, NotFound
from aias_core.finance.delivery import Place, abort_upload, delete_object, iter_uploads
from aias_core.finance.jobs import store
from aias_core.finance.jobs.worker import discard_files
from aias_core.objectstore import translated_errors

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.finance.jobs.store import Job

PREFIX = "exports/"
FORGOTTEN_AFTER = timedelta(hours=24)
_WITHOUT_FILE = ("failed", "cancelled", "expired")


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has removed: files past their time, and uploads and objects of jobs that have ended without; and the
    buckets that could not be swept whole, each with the reason."""

    expired: int
    uploads: int
    objects: int
    unswept: dict[str, str] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def sweep(connection: Connection, client: Any, *buckets: str) -> Swept:
    """Removes files that have outlived their time, and what killed, failed and cancelled jobs have left behind.

    It looks into these buckets and into those that jobs name. One that is missing or refuses is named in the result,
    is not asked again, and stops no other; one that only jobs name and that is missing holds nothing.
    """
    expired = uploads = objects = 0
    unswept: dict[str, str] = {}
    for job in store.list_expired(connection):
        if job.bucket not in unswept:
            with _noting(job.bucket, unswept):
                _expire(connection, client, job)
                expired += 1
    for bucket in sorted({*buckets, *store.list_buckets(connection)} - unswept.keys()):
        place = Place(client, bucket, PREFIX)
        missing = () if bucket in buckets else (NotFound,)
        with _noting(bucket, unswept), suppress(*missing), translated_errors(bucket):
            uploads += _sweep_uploads(connection, place)
            objects += _sweep_objects(connection, place)
    return Swept(expired, uploads, objects, unswept)


@contextmanager
def _noting(bucket: str, unswept: dict[str, str]) -> Iterator[None]:
    """Notes why a bucket could not be swept."""
    try:
        yield
    except AiasError as error:
        unswept[bucket] = error.message


def _expire(connection: Connection, client: Any, job: Job) -> None:
    """Removes the file of a job; where its bucket is gone, it is gone too."""
    with suppress(NotFound):
        discard_files(job.place(client))
    store.expire_job(connection, job)


def _sweep_uploads(connection: Connection, place: Place) -> int:
    """Ends uploads of jobs that have ended, and those that nobody has finished for a day."""
    ended = store.list_jobs_in(connection, *_WITHOUT_FILE, "succeeded")
    living = store.list_jobs_in(connection, "pending", "running")
    swept = 0
    for upload in list(iter_uploads(place)):
        key, job_id = upload["Key"], _job_of(upload["Key"])
        if job_id in ended:
            with store.hold_in(connection, UUID(job_id), *_WITHOUT_FILE, "succeeded") as has_ended:
                if has_ended:
                    abort_upload(place.at(key), upload["UploadId"])
                swept += has_ended
        elif job_id not in living and upload["Initiated"] < clock.now() - FORGOTTEN_AFTER:
            abort_upload(place.at(key), upload["UploadId"])
            swept += 1
    return swept


def _sweep_objects(connection: Connection, place: Place) -> int:
    """Removes files of jobs that have none; a bucket may be shared, so what no job here knows stays."""
    gone = store.list_jobs_in(connection, *_WITHOUT_FILE)
    pages = place.client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
    keys = [item["Key"] for page in pages for item in page.get("Contents") or []]
    swept = 0
    for key in (key for key in keys if _job_of(key) in gone):
        with store.hold_in(connection, UUID(_job_of(key)), *_WITHOUT_FILE) as has_none:
            if has_none:
                delete_object(place.at(key))
            swept += has_none
    return swept


def _job_of(key: str) -> str:
    """The id of the job whose file lies under a key."""
    return key.rpartition("/")[2].partition(".")[0]

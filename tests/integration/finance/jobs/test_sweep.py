from __future__ import annotations

import hashlib
from collections.abc import Callable

import psycopg

from aias_core import ids
from aias_core.finance.delivery import iter_uploads
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.jobs.store import cancel_job, create_job, get_job
from aias_core.finance.jobs.sweep import sweep
from aias_core.finance.jobs.worker import Worker, discard_files
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret
from aias_core.windows import Window
from support.backups import BUCKET
from support.jobs import content_of, is_clean

NAMED = (BUCKET, "never-was")


def test_a_sweep_removes_expired_files_and_uploads_of_nobody(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    job, made = create_job(store, ExportRequest(month), "grace", BUCKET), worker()
    made.run_next()
    living = create_job(store, ExportRequest(month), "grace", BUCKET)
    orphan, foreign = (made.place(living).at(f"exports/all/2026-10/{ids.new_id()}.csv") for _ in range(2))
    gone = made.place(cancel_job(store, create_job(store, ExportRequest(month), "grace", BUCKET).job_id))
    for place in (gone, foreign, made.place(living)):
        made.client.create_multipart_upload(Bucket=BUCKET, Key=place.key)
    for place in (gone, orphan):
        made.client.put_object(Bucket=BUCKET, Key=place.key, Body=b"left behind")
    assert sweep(store, made.client, BUCKET).as_record() == {"expired": 0, "uploads": 1, "objects": 1, "unswept": {}}
    assert hashlib.sha256(content_of(made.place(job))).digest() == bytes(get_job(store, job.job_id).row["sha256"])
    store.execute("UPDATE aias.export_jobs SET expires_at = now() WHERE job_id = %s", [job.job_id])
    assert sweep(store, made.client, BUCKET).as_record() == {"expired": 1, "uploads": 0, "objects": 0, "unswept": {}}
    assert get_job(store, job.job_id).status == "expired"
    assert is_clean(made, job)
    assert len(list(iter_uploads(made.place(living)))) == 1
    assert content_of(orphan) == b"left behind"
    for place in (made.place(living), orphan, foreign):
        discard_files(place)


def test_a_bucket_that_is_gone_stops_no_other(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    made = worker()
    kept = [create_job(store, ExportRequest(month), "grace", BUCKET) for _ in range(2)]
    for _ in kept:
        made.run_next()
    store.execute("UPDATE aias.export_jobs SET expires_at = now()")
    store.execute('UPDATE aias.export_jobs SET delivery = \'{"bucket": "gone"}\' WHERE job_id = %s', [kept[0].job_id])
    cancelled = made.place(cancel_job(store, create_job(store, ExportRequest(month), "grace", BUCKET).job_id))
    made.client.put_object(Bucket=BUCKET, Key=cancelled.key, Body=b"left behind")
    swept = sweep(store, made.client, "gone", BUCKET).as_record()
    assert swept == {"expired": 2, "uploads": 0, "objects": 3, "unswept": {"gone": "There is no bucket 'gone'"}}
    assert [get_job(store, job.job_id).status for job in kept] == ["expired", "expired"]
    assert all(is_clean(made, job) for job in kept)


def test_a_bucket_that_has_failed_is_not_asked_again(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    for _ in range(3):
        create_job(store, ExportRequest(month), "grace", BUCKET)
        worker().run_next()
    store.execute("UPDATE aias.export_jobs SET expires_at = now()")
    away, asked = ObjectStore("http://127.0.0.1:1", "x", Secret("x")).client(), []
    away.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    swept = sweep(store, away, BUCKET)
    assert (swept.expired, swept.unswept) == (0, {BUCKET: "Object storage does not answer"})
    assert len(asked) == 1


def test_buckets_that_only_jobs_name_are_swept(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    made = worker()
    cancelled = [cancel_job(store, create_job(store, ExportRequest(month), "grace", name).job_id) for name in NAMED]
    made.client.put_object(Bucket=BUCKET, Key=made.place(cancelled[0]).key, Body=b"left behind")
    assert sweep(store, made.client).as_record() == {"expired": 0, "uploads": 0, "objects": 1, "unswept": {}}
    assert is_clean(made, cancelled[0])

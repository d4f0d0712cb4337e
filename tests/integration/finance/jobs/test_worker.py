from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from aias_core import clock
from aias_core.finance import delivery
from aias_core.finance.delivery import PartWriter, Place, iter_uploads
from aias_core.finance.export.request import Compression, ExportRequest, Format
from aias_core.finance.export.run import manifest_name
from aias_core.finance.jobs import store as jobs
from aias_core.finance.jobs.store import Job, cancel_job, create_job, get_job, retry_job
from aias_core.finance.jobs.worker import Worker
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret
from aias_core.windows import Window
from support.backups import BUCKET
from support.events import ORG
from support.jobs import ACME, NO_PAUSE, before_part, content_of, is_clean, run_one
from support.waiting import wait_until


def test_a_job_becomes_a_file_with_a_manifest(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    request = ExportRequest(month, ACME, format=Format.CSV, compression=Compression.GZIP)
    job = create_job(store, request, "grace", BUCKET)
    assert (job.status, job.request()) == ("pending", request)
    done = run_one(worker())
    record = done.as_record()
    assert (record["status"], record["row_count"], record["attempts"]) == ("succeeded", 3, 1)
    assert done.object_key == f"exports/{ORG}/{month.start:%Y-%m}/{job.job_id}.csv.gz"
    place = worker().place(done)
    assert hashlib.sha256(content_of(place)).hexdigest() == record["sha256"]
    assert str(job.job_id).encode() in content_of(place.at(manifest_name(place.key)))
    assert done.row["expires_at"] - done.row["finished_at"] == timedelta(days=90)
    assert worker().run_next() is None


def test_of_two_workers_one_makes_the_file(
    store: psycopg.Connection, many_parts: ExportRequest, worker: Callable[..., Worker]
) -> None:
    job = create_job(store, many_parts, "grace", BUCKET)
    results: list[Job | None] = []
    threads = [threading.Thread(target=lambda n=n: results.append(worker(n).run_next())) for n in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result is None for result in results) == [False, True]
    assert get_job(store, job.job_id).row["fence"] == 1
    assert list(iter_uploads(worker().place(job))) == []


def test_a_worker_killed_in_mid_upload_leaves_its_work_to_another(
    store: psycopg.Connection, many_parts: ExportRequest, worker: Callable[..., Worker]
) -> None:
    job = create_job(store, many_parts, "grace", BUCKET)
    lease = timedelta(seconds=1)
    child = os.fork()
    if child == 0:
        run_until_the_third_part(worker("killed", lease=lease, renew_seconds=0.2))
    place = worker().place(job)
    wait_until(lambda: len(parts_of(place)) == 2, 60)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (upload,) = iter_uploads(place)
    wait_until(lambda: get_job(store, job.job_id).row["lease_until"] < clock.now(), 60)
    sent = count_parts_sent()
    done = run_one(worker("other"))
    assert (done.status, done.row["attempts"], done.row["fence"]) == ("succeeded", 2, 2)
    assert sent() == len(content_of(place)) // delivery.PART_BYTES + 1 - 2
    assert hashlib.sha256(content_of(place)).hexdigest() == done.as_record()["sha256"]
    assert list(iter_uploads(place)) == []
    assert upload["Key"] == place.key


def run_until_the_third_part(made: Worker) -> None:
    whole = PartWriter._send

    def send(self: PartWriter, part: bytes) -> None:
        if len(self._parts) == 2:
            signal.pause()
        whole(self, part)

    PartWriter._send = send  # type: ignore[method-assign]
    try:
        made.run_next()
    finally:
        os._exit(1)


def count_parts_sent() -> Callable[[], int]:
    """How many parts are really sent from now on."""
    monkeypatch, sent = pytest.MonkeyPatch(), []
    whole = PartWriter.complete

    def complete(self: PartWriter) -> None:
        whole(self)
        sent.append(self.sent)

    monkeypatch.setattr(PartWriter, "complete", complete)

    def total() -> int:
        monkeypatch.undo()
        return sum(sent)

    return total


def parts_of(place: Place) -> list[Any]:
    uploads = list(iter_uploads(place))
    if not uploads:
        return []
    answer = place.client.list_parts(Bucket=place.bucket, Key=place.key, UploadId=uploads[0]["UploadId"])
    return answer.get("Parts") or []


def test_a_cancelled_job_leaves_nothing(
    store: psycopg.Connection,
    many_parts: ExportRequest,
    worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, made = create_job(store, many_parts, "grace", BUCKET), worker()
    lost = threading.Event()
    renew = jobs.renew_lease

    def renew_and_tell(*arguments: Any) -> bool:
        is_ours = renew(*arguments)
        if not is_ours:
            lost.set()
        return is_ours

    def cancel() -> None:
        cancel_job(store, job.job_id)
        assert lost.wait(20)

    monkeypatch.setattr(jobs, "renew_lease", renew_and_tell)
    before_part(monkeypatch, 2, cancel)
    seen = run_one(made)
    assert seen.status == "cancelled"
    assert is_clean(made, job)


def test_a_job_cancelled_at_the_last_moment_leaves_nothing(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made, finish = create_job(store, ExportRequest(month), "grace", BUCKET), worker(), jobs.finish_job

    def cancel_first(*arguments: Any) -> bool:
        cancel_job(store, job.job_id)
        return finish(*arguments)

    monkeypatch.setattr(jobs, "finish_job", cancel_first)
    seen = run_one(made)
    assert seen.status == "cancelled"
    assert is_clean(made, job)


def test_after_five_failures_a_job_has_failed_and_leaves_nothing(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    job = create_job(store, ExportRequest(month), "grace", BUCKET)
    away = replace(worker(), client=ObjectStore("http://127.0.0.1:1", "x", Secret("x")).client())
    states = [seen.status for seen in (away.run_next() for _ in range(5)) if seen]
    assert states == [*["pending"] * 4, "failed"]
    record = get_job(store, job.job_id).as_record()
    assert record["error"]["code"] == "dependency_unavailable"
    assert worker().run_next() is None
    retry_job(store, job.job_id)
    done = run_one(worker())
    assert done.status == "succeeded"


def test_a_job_that_cannot_be_fails_at_once(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    create_job(store, ExportRequest(month, statement=7), "grace", BUCKET)
    seen = run_one(worker())
    assert (seen.status, seen.row["attempts"], seen.row["error_code"]) == ("failed", 1, "not_found")


def test_a_job_whose_workers_died_five_times_is_given_up(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    job = create_job(store, ExportRequest(month), "grace", BUCKET)
    for attempt in range(1, 6):
        claimed = jobs.claim_job(store, "dead", lease=NO_PAUSE, pause=NO_PAUSE)
        assert claimed is not None
        assert claimed.row["attempts"] == attempt
    assert worker().run_next() is None
    assert get_job(store, job.job_id).row["error_code"] == "worker_lost"

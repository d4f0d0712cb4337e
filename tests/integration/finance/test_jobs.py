from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.database.connection import connect
from aias_core.errors import AiasError, Conflict, LimitReached, NotFound
from aias_core.finance import delivery
from aias_core.finance import job as job_module
from aias_core.finance.delivery import PartWriter, Place, iter_uploads, read_object
from aias_core.finance.export.request import Compression, ExportRequest, Format, Scope
from aias_core.finance.export.run import manifest_name
from aias_core.finance.jobs import store as jobs
from aias_core.finance.jobs.store import Job, cancel_job, create_job, get_job, list_jobs, retry_job
from aias_core.finance.jobs.sweep import sweep
from aias_core.finance.jobs.wait import run_as_job
from aias_core.finance.jobs.worker import Worker, discard_ended, discard_files
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret
from aias_core.windows import Window
from support.backups import BUCKET
from support.events import ORG, OTHER_ORG
from support.months import add_late_event
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer

ACME = Scope(ORG, "acme")
NO_PAUSE = timedelta(0)


@pytest.fixture
def worker(store: psycopg.Connection, postgres_server: PostgresServer, objects: ObjectStore) -> Callable[..., Worker]:
    """Makes workers with connections of their own, and without pauses between tries."""
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    def opened() -> AbstractContextManager[psycopg.Connection]:
        return connect(dsn, autocommit=True)

    def make(holder: str = "one", **changes: Any) -> Worker:
        return Worker(opened, objects.client(), holder, **{"pause": NO_PAUSE, "renew_seconds": 0.05, **changes})

    return make


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch, store: psycopg.Connection, month: Window) -> ExportRequest:
    """A request whose file takes several parts: three times 5 MiB and a rest."""
    store.execute(
        "INSERT INTO aias.usage_days SELECT bucket_start, org_id, gen_random_uuid(), model_id, operation, region, "
        "currency, price_id, requests, successes, errors, timeouts, throttled, cancelled, rejected, input_tokens, "
        "cached_input_tokens, output_tokens, reasoning_tokens, billed_requests, billed_input_tokens, "
        "billed_cached_input_tokens, billed_output_tokens, cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id "
        "FROM aias.usage_days, generate_series(1, 12000) WHERE org_id = %s",
        [ORG],
    )
    monkeypatch.setattr(delivery, "PART_BYTES", 5 * 1024 * 1024)
    return ExportRequest(month)


def content_of(place: Place) -> bytes:
    return b"".join(read_object(place))


def is_clean(made: Worker, job: Job) -> bool:
    """Nothing of the job is in storage: no object, no manifest, no open upload."""
    place = made.place(job)
    listed = made.client.list_objects_v2(Bucket=BUCKET, Prefix=place.key)
    return listed["KeyCount"] == 0 and list(iter_uploads(place)) == []


def test_a_job_becomes_a_file_with_a_manifest(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    request = ExportRequest(month, ACME, format=Format.CSV, compression=Compression.GZIP)
    job = create_job(store, request, "grace", BUCKET)
    assert (job.status, job.request()) == ("pending", request)
    done = worker().run_next()
    assert done is not None
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
    done = worker("other").run_next()
    assert done is not None
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


def before_part(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Does something just before a part is sent, once."""
    whole, acted = PartWriter._send, []

    def send(self: PartWriter, part: bytes) -> None:
        if len(self._parts) == number and not acted:
            acted.append(True)
            act()
        whole(self, part)

    monkeypatch.setattr(PartWriter, "_send", send)


def test_a_worker_that_loses_its_lease_in_mid_upload_does_not_finish(
    store: psycopg.Connection,
    many_parts: ExportRequest,
    worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = create_job(store, many_parts, "grace", BUCKET)
    finished: list[Job | None] = []

    def lose() -> None:
        store.execute("UPDATE aias.export_jobs SET lease_until = now() - interval '1 second'")
        finished.append(worker("other").run_next())

    before_part(monkeypatch, 2, lose)
    seen = worker("slow", renew_seconds=3600).run_next()
    assert seen is not None
    (other,) = finished
    assert other is not None
    assert (seen.status, seen.row["fence"], seen.row["sha256"]) == ("succeeded", 2, other.row["sha256"])
    place = worker().place(job)
    assert hashlib.sha256(content_of(place)).digest() == bytes(other.row["sha256"])
    assert list(iter_uploads(place)) == []


@pytest.mark.parametrize("step", ["verify_object", "encode_manifest"], ids=["made", "verified"])
def test_a_worker_that_has_lost_its_lease_touches_nothing_of_the_next_one(
    store: psycopg.Connection,
    month: Window,
    worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    create_job(store, ExportRequest(month), "grace", BUCKET)
    others: list[Job | None] = []

    def lose() -> None:
        store.execute("UPDATE aias.export_jobs SET lease_until = now() - interval '1 second'")
        add_late_event(store, month)
        others.append(worker("other").run_next())

    before_call(monkeypatch, step, lose)
    worker("slow", renew_seconds=3600).run_next()
    (other,) = others
    assert other is not None
    assert other.status == "succeeded"
    place = worker().place(other)
    assert hashlib.sha256(content_of(place)).digest() == bytes(other.row["sha256"])
    manifest = json.loads(content_of(place.at(manifest_name(place.key))))
    assert manifest["sha256"] == bytes(other.row["sha256"]).hex()


def before_call(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], None]) -> None:
    """Does something just before a step of an export to storage, once."""
    whole, acted = getattr(job_module, step), []

    def call(*arguments: Any) -> Any:
        if not acted:
            acted.append(True)
            act()
        return whole(*arguments)

    monkeypatch.setattr(job_module, step, call)


def test_what_is_at_work_again_is_not_discarded(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    job, made = create_job(store, ExportRequest(month), "grace", BUCKET), worker()
    cancelled = cancel_job(store, job.job_id)
    retry_job(store, job.job_id)
    made.run_next()
    discard_ended(store, cancelled, made.place(cancelled))
    assert content_of(made.place(cancelled))
    ended = cancel_job(store, create_job(store, ExportRequest(month), "grace", BUCKET).job_id)
    with jobs.hold_in(store, ended.job_id, "cancelled") as holds, made.connect() as other:
        assert holds
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            retry_job(other, ended.job_id)


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
    seen = made.run_next()
    assert seen is not None
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
    seen = made.run_next()
    assert seen is not None
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
    done = worker().run_next()
    assert done is not None
    assert done.status == "succeeded"


def test_a_job_that_cannot_be_fails_at_once(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    create_job(store, ExportRequest(month, statement=7), "grace", BUCKET)
    seen = worker().run_next()
    assert seen is not None
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


def test_a_failed_job_waits_before_its_next_try(store: psycopg.Connection, month: Window) -> None:
    create_job(store, ExportRequest(month), "grace", BUCKET)
    job = jobs.claim_job(store, "one")
    assert job is not None
    assert jobs.fail_job(store, job, "failed", "why", retry=True)
    assert jobs.claim_job(store, "two") is None
    assert jobs.claim_job(store, "two", pause=NO_PAUSE) is not None


def test_an_older_fence_changes_nothing(store: psycopg.Connection, month: Window) -> None:
    create_job(store, ExportRequest(month), "grace", BUCKET)
    old = jobs.claim_job(store, "one", lease=NO_PAUSE)
    new = jobs.claim_job(store, "two")
    assert old is not None
    assert new is not None
    manifest = {"bytes": 1, "row_count": 1, "sha256": "00" * 32, "content_sha256": "00" * 32}
    assert not jobs.renew_lease(store, old)
    assert not jobs.fail_job(store, old, "failed", "why", retry=False)
    assert not jobs.finish_job(store, old, manifest)
    assert jobs.renew_lease(store, new)
    assert jobs.finish_job(store, new, manifest)
    assert not jobs.finish_job(store, new, manifest)


def test_a_repeated_request_makes_no_second_job(store: psycopg.Connection, month: Window) -> None:
    first = create_job(store, ExportRequest(month), "grace", BUCKET, "key-1")
    assert create_job(store, ExportRequest(month), "grace", BUCKET, "key-1").job_id == first.job_id
    assert create_job(store, ExportRequest(month), "ada", BUCKET, "key-1").job_id != first.job_id
    assert create_job(store, ExportRequest(month), "grace", BUCKET).job_id != first.job_id
    with pytest.raises(Conflict, match="idempotency key"):
        create_job(store, ExportRequest(month, ACME), "grace", BUCKET, "key-1")


def test_too_many_unfinished_jobs_are_refused(store: psycopg.Connection, month: Window) -> None:
    for _ in range(jobs.MOST_UNFINISHED):
        create_job(store, ExportRequest(month, ACME), "grace", BUCKET)
    with pytest.raises(LimitReached):
        create_job(store, ExportRequest(month, ACME), "grace", BUCKET)
    assert create_job(store, ExportRequest(month), "grace", BUCKET).status == "pending"


def test_jobs_of_an_organization_are_listed_newest_first_page_by_page(store: psycopg.Connection, month: Window) -> None:
    made = [create_job(store, ExportRequest(month, ACME), "grace", BUCKET) for _ in range(3)]
    create_job(store, ExportRequest(month, Scope(OTHER_ORG, "globex")), "grace", BUCKET)
    first = list_jobs(store, org_id=ORG, limit=2)
    rest = list_jobs(store, org_id=ORG, limit=2, after=first[-1].job_id)
    assert [job.job_id for job in [*first, *rest]] == [job.job_id for job in reversed(made)]
    assert list_jobs(store, org_id=ORG, status="failed") == []
    with pytest.raises(NotFound):
        get_job(store, made[0].job_id, OTHER_ORG)


def test_waiting_for_a_job_that_is_cancelled_is_no_success(
    store: psycopg.Connection, month: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aias_core.finance.jobs.wait.create_job", lambda *_: cancel_job(store, job.job_id))
    job = create_job(store, ExportRequest(month), "grace", BUCKET)
    with pytest.raises(AiasError, match="was cancelled"):
        run_as_job(store, ExportRequest(month), "grace", BUCKET, wait_seconds=60)


def test_a_finished_job_is_neither_cancelled_nor_retried(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker]
) -> None:
    job = create_job(store, ExportRequest(month), "grace", BUCKET)
    worker().run_next()
    for change in (cancel_job, retry_job):
        with pytest.raises(Conflict, match="is succeeded"):
            change(store, job.job_id)
        with pytest.raises(NotFound):
            change(store, ids.new_id())


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
    assert sweep(store, made.client, BUCKET).as_record() == {"expired": 0, "uploads": 1, "objects": 1, "unswept": []}
    assert hashlib.sha256(content_of(made.place(job))).digest() == bytes(get_job(store, job.job_id).row["sha256"])
    store.execute("UPDATE aias.export_jobs SET expires_at = now() WHERE job_id = %s", [job.job_id])
    assert sweep(store, made.client, BUCKET).as_record() == {"expired": 1, "uploads": 0, "objects": 0, "unswept": []}
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
    assert swept == {"expired": 2, "uploads": 0, "objects": 3, "unswept": ["gone"]}
    assert [get_job(store, job.job_id).status for job in kept] == ["expired", "expired"]
    assert all(is_clean(made, job) for job in kept)

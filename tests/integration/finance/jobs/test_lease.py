from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from aias_core.finance import job as job_module
from aias_core.finance.delivery import iter_uploads
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.export.run import manifest_name
from aias_core.finance.jobs import store as jobs
from aias_core.finance.jobs.store import Job, cancel_job, create_job, retry_job
from aias_core.finance.jobs.worker import Worker, discard_ended
from aias_core.windows import Window
from support.backups import BUCKET
from support.jobs import NO_PAUSE, before_part, content_of, run_one
from support.months import add_late_event


def test_a_worker_that_loses_its_lease_in_mid_upload_does_not_finish(
    store: psycopg.Connection,
    many_parts: ExportRequest,
    worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = create_job(store, many_parts, "grace", BUCKET)
    finished: list[Job] = []

    def lose() -> None:
        store.execute("UPDATE aias.export_jobs SET lease_until = now() - interval '1 second'")
        finished.append(run_one(worker("other")))

    before_part(monkeypatch, 2, lose)
    seen = run_one(worker("slow", renew_seconds=3600))
    (other,) = finished
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
    others: list[Job] = []

    def lose() -> None:
        store.execute("UPDATE aias.export_jobs SET lease_until = now() - interval '1 second'")
        add_late_event(store, month)
        others.append(run_one(worker("other")))

    before_call(monkeypatch, step, lose)
    worker("slow", renew_seconds=3600).run_next()
    (other,) = others
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

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from aias_core import ids
from aias_core.errors import Conflict, LimitReached, NotFound
from aias_core.finance.export.request import ExportRequest, Scope
from aias_core.finance.jobs import store as jobs
from aias_core.finance.jobs.store import cancel_job, create_job, get_job, list_jobs, retry_job
from aias_core.finance.jobs.worker import Worker
from aias_core.windows import Window
from support.backups import BUCKET
from support.events import ORG, OTHER_ORG
from support.jobs import ACME


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

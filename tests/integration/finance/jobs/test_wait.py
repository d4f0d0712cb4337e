from __future__ import annotations

import psycopg
import pytest

from aias_core.errors import AiasError
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.jobs.store import cancel_job, create_job
from aias_core.finance.jobs.wait import run_as_job
from aias_core.windows import Window
from support.backups import BUCKET


def test_waiting_for_a_job_that_is_cancelled_is_no_success(
    store: psycopg.Connection, month: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aias_core.finance.jobs.wait.create_job", lambda *_: cancel_job(store, job.job_id))
    job = create_job(store, ExportRequest(month), "grace", BUCKET)
    with pytest.raises(AiasError, match="was cancelled"):
        run_as_job(store, ExportRequest(month), "grace", BUCKET, wait_seconds=60)

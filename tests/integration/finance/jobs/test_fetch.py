"""A file that is fetched is the one that was written, or it is not kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from aias_core.errors import DifferenceFound
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.jobs.fetch import fetch_file
from aias_core.finance.jobs.store import create_job, get_job
from aias_core.finance.jobs.worker import Worker
from aias_core.windows import Window
from support.backups import BUCKET


def test_a_file_with_other_bytes_is_refused_and_another_export_is_named(
    store: psycopg.Connection, month: Window, worker: Callable[..., Worker], tmp_path: Path
) -> None:
    made = worker()
    job_id = create_job(store, ExportRequest(month), "grace", BUCKET).job_id
    made.run_next()
    job = get_job(store, job_id)
    made.client.put_object(Bucket=BUCKET, Key=made.place(job).key, Body=b"other")
    with pytest.raises(DifferenceFound) as refused:
        fetch_file(job, made.place(job), tmp_path)
    assert str(refused.value.hint).endswith("aias analytics export")
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import uuid

import pytest

from aias_core.errors import Conflict
from aias_core.finance.jobs.fetch import refuse_without_file
from aias_core.finance.jobs.store import Job


def test_a_job_without_a_file_is_told_with_the_command_that_shows_it() -> None:
    job_id = uuid.uuid4()
    with pytest.raises(Conflict) as refused:
        refuse_without_file(Job({"job_id": job_id, "status": "failed"}))
    assert str(refused.value.hint).endswith(f"aias analytics exports show {job_id}")

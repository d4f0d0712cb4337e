"""Export jobs in tests: what is in storage, and what happens in the middle of an upload."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from aias_core.finance.delivery import PartWriter, Place, iter_uploads, read_object
from aias_core.finance.export.request import Scope
from aias_core.finance.jobs.store import Job
from aias_core.finance.jobs.worker import Worker
from support.backups import BUCKET
from support.events import ORG

ACME = Scope(ORG, "acme")
NO_PAUSE = timedelta(0)


def content_of(place: Place) -> bytes:
    return b"".join(read_object(place))


def run_one(worker: Worker) -> Job:
    """The job that the worker finds, as it is after its turn; there must be one."""
    done = worker.run_next()
    assert done is not None
    return done


def is_clean(made: Worker, job: Job) -> bool:
    """Nothing of the job is in storage: no object, no manifest, no open upload."""
    place = made.place(job)
    listed = made.client.list_objects_v2(Bucket=BUCKET, Prefix=place.key)
    return listed["KeyCount"] == 0 and list(iter_uploads(place)) == []


def before_part(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Does something just before a part is sent, once."""
    whole, acted = PartWriter._send, []

    def send(self: PartWriter, part: bytes) -> None:
        if len(self._parts) == number and not acted:
            acted.append(True)
            act()
        whole(self, part)

    monkeypatch.setattr(PartWriter, "_send", send)

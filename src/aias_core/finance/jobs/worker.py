"""A worker for export jobs: claims one, makes its file, renews its lease meanwhile, and says how it ended.

A worker that has lost its lease stops sending and leaves everything to the next one, which goes on with the same upload
and gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeAlias

from aias_core.errors import AiasError, DifferenceFound, InvalidInput, NotFound
from aias_core.finance.delivery import Permit, Place, abort_upload, delete_object, iter_uploads
from aias_core.finance.export.run import manifest_name
from aias_core.finance.job import export_to_store
from aias_core.finance.jobs import store
from aias_core.finance.jobs.store import Job
from aias_core.objectstore import translated_errors

if TYPE_CHECKING:
    from psycopg import Connection

Connect: TypeAlias = "Callable[[], AbstractContextManager[Connection]]"
RENEW_SECONDS = 20.0
_FINAL = (InvalidInput, NotFound, DifferenceFound)


class LeaseLost(AiasError):
    """The job is no longer this worker's"""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker needs: connections, a client of object storage, a name, and how long its leases are."""

    connect: Connect
    client: Any
    holder: str
    encryption: str | None = None
    lease: timedelta = store.LEASE
    pause: timedelta = store.PAUSE
    renew_seconds: float = RENEW_SECONDS
    stopping: Event = field(default_factory=Event)

    def run_next(self) -> Job | None:
        """Does the next job, however it ends, and returns it as it is then; None when there is nothing to do."""
        with self.connect() as connection:
            for lost in store.give_up_exhausted(connection):
                discard_ended(connection, lost, self.place(lost))
            job = store.claim_job(connection, self.holder, self.lease, self.pause)
        if job is None:
            return None
        self._run(job)
        with self.connect() as connection:
            return store.get_job(connection, job.job_id)

    def _run(self, job: Job) -> None:
        try:
            with self._leased(job) as check:
                self._make(job, check)
        except LeaseLost:
            self._settle_lost(job)
        except AiasError as error:
            self._fail(job, error.code, error.message, retry=not isinstance(error, _FINAL))
        except Exception as error:
            self._fail(job, "internal", type(error).__name__, retry=True)

    def _make(self, job: Job, check: Callable[[], None]) -> None:
        facts = {"job": str(job.job_id), "file": job.object_key, "requested_by": job.row["requested_by"]}
        with self.connect() as connection:
            permit = Permit(check, partial(_holding, connection, job))
            manifest = export_to_store(connection, job.request(), self.place(job), facts, permit)
            check()
            if not store.finish_job(connection, job, manifest):
                raise LeaseLost

    @contextmanager
    def _leased(self, job: Job) -> Iterator[Callable[[], None]]:
        """Renews the lease in a thread of its own; the value raises LeaseLost once that has failed."""
        lost, done = Event(), Event()

        def renew() -> None:
            while not done.wait(self.renew_seconds):
                try:
                    with self.connect() as connection:
                        if not store.renew_lease(connection, job, self.lease):
                            lost.set()
                            return
                except AiasError:
                    continue

        def check() -> None:
            if lost.is_set() or self.stopping.is_set():
                raise LeaseLost

        thread = Thread(target=renew, name=f"lease-{job.job_id}", daemon=True)
        thread.start()
        try:
            yield check
        finally:
            done.set()
            thread.join()

    def _fail(self, job: Job, code: str, message: str, *, retry: bool) -> None:
        with self.connect() as connection:
            if store.fail_job(connection, job, code, message, retry=retry):
                discard_ended(connection, job, self.place(job))
                return
        self._settle_lost(job)

    def _settle_lost(self, job: Job) -> None:
        """A cancelled job leaves nothing behind; one that another worker has or will have is left to it."""
        with self.connect() as connection:
            if self.stopping.is_set():
                store.release_job(connection, job)
            discard_ended(connection, job, self.place(job))

    def place(self, job: Job) -> Place:
        return job.place(self.client, self.encryption)


@contextmanager
def _holding(connection: Connection, job: Job) -> Iterator[None]:
    """Keeps the job for its worker. Raises LeaseLost when it is another's by now."""
    with store.hold_leased(connection, job) as is_ours:
        if not is_ours:
            raise LeaseLost
        yield


def discard_ended(connection: Connection, job: Job, place: Place) -> None:
    """Removes whatever there is of a job that has failed or was cancelled; of one that was taken up again, nothing.

    Where storage does not answer, a sweep does it later.
    """
    with suppress(AiasError), store.hold_in(connection, job.job_id, "failed", "cancelled") as has_ended:
        if has_ended:
            discard_files(place)


def discard_files(place: Place) -> None:
    """Removes an object, its manifest and the uploads that are open for it."""
    with translated_errors(place.bucket):
        for upload in list(iter_uploads(place)):
            abort_upload(place.at(upload["Key"]), upload["UploadId"])
    delete_object(place.at(manifest_name(place.key)))
    delete_object(place)

"""The two connections of a run: an idle one that holds the lock and watches, and one that works."""

from __future__ import annotations

import getpass
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aias_core import clock
from aias_core.database.connection import connect
from aias_core.errors import DependencyUnreachable, LockHeld, PrerequisiteMissing
from aias_core.migrate.history import describe_holder, fetch_value, queries
from aias_core.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection

LOCK_POLL_SECONDS = 0.1
STALL_POLL_SECONDS = 0.02
LONGEST_STALL_MS = 200
PROGRESS_SECONDS = 2.0
OLDEST_SERVER = 150000
WORKER_NAME = "aias db worker"
Progress = Callable[[str], None]


class ServerUnsuitable(PrerequisiteMissing):
    """The server cannot be migrated"""


@dataclass(slots=True)
class Session:
    """A run's connections. The lock belongs to `lock`; when that dies, the server frees it and the run must stop."""

    database: str
    lock: Connection
    work: Connection
    progress: Progress
    allow_blocking: bool = False
    longest_stall_ms: float = 0
    _own_wait_ms: float = 0
    _lost: threading.Event = field(default_factory=threading.Event)
    _guarded: threading.Event = field(default_factory=threading.Event)
    _stalled: threading.Event = field(default_factory=threading.Event)

    def check_lock(self) -> None:
        """Raises DependencyUnreachable when the lock's connection has broken."""
        if self._lost.is_set() or self.lock.closed:
            raise DependencyUnreachable(
                f"The connection that holds the migration lock of '{self.database}' was lost",
                hint="run the same command again: it resumes",
            )

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """While the block runs, what holds another session up for too long is cancelled, unless that was allowed."""
        self._stalled.clear()
        if not self.allow_blocking:
            self._guarded.set()
        try:
            yield
        finally:
            self._guarded.clear()

    def is_stalled(self) -> bool:
        """Whether others have waited too long since the guarded block began."""
        return self._stalled.is_set()

    def note_lock_wait(self, milliseconds: float) -> None:
        """Keeps how long the worker has been seen to wait for a lock, if that is longer than what is known."""
        self._own_wait_ms = max(self._own_wait_ms, milliseconds)

    def take_lock_wait(self) -> float:
        """Seconds for which the worker has waited for a lock since this was last asked, sampled every 20 ms."""
        waited, self._own_wait_ms = self._own_wait_ms / 1000, 0
        return waited

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measures, while the block runs, how long others wait for locks of the worker; notices a lost lock."""
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(stop,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()

    def _watch(self, stop: threading.Event) -> None:
        import psycopg

        told_at = clock.monotonic()
        try:
            while not stop.wait(STALL_POLL_SECONDS):
                if clock.monotonic() - told_at > PROGRESS_SECONDS:
                    self._tell_progress()
                    told_at = clock.monotonic()
                stall, own_wait = self._measure_waits()
                self.longest_stall_ms = max(self.longest_stall_ms, stall)
                self.note_lock_wait(own_wait)
                if stall > LONGEST_STALL_MS and self._guarded.is_set():
                    self._stalled.set()
                    self.lock.execute(queries["cancel_worker"], {"worker": self.work.info.backend_pid})
        except psycopg.Error:
            self._lost.set()

    def _measure_waits(self) -> tuple[float, float]:
        ((stall, own_wait),) = self.lock.execute(queries["measure_waits"], {"worker": self.work.info.backend_pid})
        return stall, own_wait

    def _tell_progress(self) -> None:
        keys = {"worker": self.work.info.backend_pid}
        for index, phase, done, total in self.lock.execute(queries["list_build_progress"], keys):
            share = f", {100 * done // total} %" if total else ""
            self.progress(f"Building '{index}': {phase}{share}")


@contextmanager
def locked_session(database: str, dsn: Secret, wait_seconds: float, progress: Progress) -> Iterator[Session]:
    """Both connections, once the lock is ours. Raises LockHeld naming the holder, or ServerUnsuitable."""
    what = f"database '{database}'"
    with connect(dsn, what, autocommit=True) as lock:
        _check_server(lock, database)
        name = f"aias db {getpass.getuser()}@{socket.gethostname()} {os.getpid()}"
        lock.execute(queries["name_session"], {"name": name})
        _take_lock(lock, database, wait_seconds, progress)
        with connect(dsn, what, autocommit=True) as work:
            _end_stale_workers(lock)
            work.execute(queries["name_session"], {"name": WORKER_NAME})
            work.execute(queries["guard_session"])
            work.execute("SET ROLE aias_owner")
            yield Session(database, lock, work, progress)


def _take_lock(lock: Connection, database: str, wait_seconds: float, progress: Progress) -> None:
    deadline, told = clock.monotonic() + wait_seconds, False
    while not fetch_value(lock, "try_lock"):
        sentence = f"Migrations of '{database}' are being run by {describe_holder(lock) or 'one that has just ended'}"
        if clock.monotonic() >= deadline:
            raise LockHeld(sentence, hint="wait for it with: aias db migrate --lock-wait 60")
        if not told:
            progress(f"{sentence}; waiting")
            told = True
        time.sleep(LOCK_POLL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311


def _end_stale_workers(lock: Connection) -> None:
    while lock.execute(queries["end_stale_workers"]).fetchall():
        time.sleep(LOCK_POLL_SECONDS / 4)


def _check_server(connection: Connection, database: str) -> None:
    row = connection.execute(queries["describe_server"]).fetchone()
    number, is_replica, pid = row if row else (0, False, 0)
    if number < OLDEST_SERVER:
        raise ServerUnsuitable(
            f"The server of '{database}' is PostgreSQL {number // 10000}; {OLDEST_SERVER // 10000} or newer is needed"
        )
    if is_replica:
        raise ServerUnsuitable(
            f"The server of '{database}' is a replica and cannot be migrated", hint="use the address of the primary"
        )
    if pid != connection.info.backend_pid:
        raise ServerUnsuitable(
            f"'{database}' is reached through a pooler, which takes locks away between transactions",
            hint="use the address of the server itself",
        )

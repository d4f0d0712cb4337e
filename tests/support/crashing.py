"""Workers whose connection to PostgreSQL breaks at a planned point: before or after any statement, or COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from aias_core.secret import Secret

Result = TypeVar("Result")


class Crash(BaseException):
    """The end of a worker; nothing in the platform knows it, so nothing catches it."""


class CrashingConnection(psycopg.Connection[Any]):
    """A connection that reaches its end after some more points, and then may be gone without a ROLLBACK."""

    left: int | None = None
    closes = False

    def pass_point(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            self.left = None
            if self.closes:
                self.close()
            raise Crash
        self.left -= 1


class CrashingCursor(psycopg.Cursor[Any]):
    def execute(self, *args: Any, **kwargs: Any) -> Any:
        with self._points():
            return super().execute(*args, **kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        with self._points():
            super().executemany(*args, **kwargs)

    @contextmanager
    def copy(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Copy]:
        with self._points(), super().copy(*args, **kwargs) as copy:
            yield copy

    @contextmanager
    def _points(self) -> Iterator[None]:
        connection: Any = self.connection
        connection.pass_point()
        yield
        connection.pass_point()


class Worker:
    """One worker with a connection of its own; every second crash closes it, and then there is a new one."""

    def __init__(self, dsn: Secret) -> None:
        self._dsn = dsn
        self.connection = self._connect()
        self.crashes = 0

    def attempt(self, work: Callable[[psycopg.Connection[Any]], Result], crash_at: int | None) -> Result | None:
        """The result, or None when the worker crashed at that point."""
        if self.connection.closed:
            self.connection = self._connect()
        self.connection.left, self.connection.closes = crash_at, self.crashes % 2 == 1
        try:
            return work(self.connection)
        except Crash:
            self.crashes += 1
            return None
        finally:
            self.connection.left = None

    def close(self) -> None:
        self.connection.close()

    def _connect(self) -> CrashingConnection:
        connection: CrashingConnection = CrashingConnection.connect(
            self._dsn.reveal(), autocommit=True, options="-c TimeZone=UTC", cursor_factory=CrashingCursor
        )
        return connection

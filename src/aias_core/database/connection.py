"""The one way to a PostgreSQL connection; the driver's errors become ours here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg import sql

from aias_core.errors import AiasError, DependencyUnreachable, PrerequisiteMissing, TimedOut
from aias_core.secret import Secret, redact

if TYPE_CHECKING:
    from psycopg import Connection

CONNECT_SECONDS = 5
POOL_WAIT_SECONDS = 2


@contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Turns a driver's error into ours: `what` names the server in the sentence, the driver's text stays redacted."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as exc:
        raise PrerequisiteMissing(f"The role may not do this on {what}: {_first_line(exc)}") from exc
    except psycopg.errors.QueryCanceled as exc:
        raise TimedOut(f"A statement took too long on {what}") from exc
    except psycopg.OperationalError as exc:
        raise DependencyUnreachable(
            f"{what} does not answer: {_first_line(exc)}", hint="look at it with: aias env status"
        ) from exc
    except psycopg.Error as exc:
        raise AiasError(f"{what} refused a statement: {_first_line(exc)}") from exc


@contextmanager
def connect(dsn: Secret, what: str = "PostgreSQL", *, autocommit: bool = False) -> Iterator[Connection]:
    """An open connection in UTC, closed at the end; a block that fails rolls back. `what` names it in errors."""
    with translated_errors(what):
        connection = psycopg.connect(
            dsn.reveal(), autocommit=autocommit, connect_timeout=CONNECT_SECONDS, options="-c TimeZone=UTC"
        )
        with connection:
            yield connection


class Pool:
    """A few kept connections to one database, in UTC, autocommit; a broken one is replaced by itself."""

    def __init__(
        self, dsn: Secret, what: str, name: str, *, largest: int = 4, wait_seconds: float = POOL_WAIT_SECONDS
    ) -> None:
        from psycopg_pool import ConnectionPool

        self._what = what
        settings = {"autocommit": True, "connect_timeout": CONNECT_SECONDS, "options": "-c TimeZone=UTC"}
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn.reveal(),
            min_size=1,
            max_size=largest,
            timeout=wait_seconds,
            kwargs={**settings, "application_name": name},
            check=ConnectionPool.check_connection,
            open=True,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One of the connections. Raises DependencyUnreachable when the database does not answer in time."""
        with translated_errors(self._what), self._pool.connection() as connection:
            yield connection

    def close(self) -> None:
        self._pool.close()


@contextmanager
def tenant_transaction(connection: Connection, org_id: UUID) -> Iterator[None]:
    """A transaction that sees the rows of one organization only: row-level security as role `aias_reader`."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE aias_reader"))
        connection.execute("SELECT set_config('aias.org_id', %s, true)", [str(org_id)])
        yield


def _first_line(exc: psycopg.Error) -> str:
    return redact(str(exc).strip().split("\n", 1)[0]) or type(exc).__name__

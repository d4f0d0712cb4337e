"""The archive of the write-ahead log of one cluster: what is in it, what is missing, and who may write it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aias_core import clock
from aias_core.accounts import READ, SEARCH, Account, ensure_reachable, is_permitted
from aias_core.backup import archive as archiver
from aias_core.errors import AiasError, PrerequisiteMissing

SEGMENT_BYTES = 16 * 1024**2
SWITCH_SECONDS = 60
ARCHIVE_WAIT_SECONDS = 60.0
_SEGMENTS_OF_LOG = 0x1_0000_0000 // SEGMENT_BYTES
_POLL_SECONDS = 0.05


def next_segment(name: str) -> str:
    """The name of the segment that follows."""
    timeline, log, number = name[:8], int(name[8:16], 16), int(name[16:], 16)
    return f"{timeline}{log + (number + 1) // _SEGMENTS_OF_LOG:08X}{(number + 1) % _SEGMENTS_OF_LOG:08X}"


def iter_range(first: str, last: str) -> Iterator[str]:
    """Every segment from the first to the last."""
    name = first
    while name <= last:
        yield name
        name = next_segment(name)


def find_archive_command(archive: Path, account: Account | None, progress: Callable[[str], None]) -> str | None:
    """The `archive_command` of a server that archives into a directory, which is made for it.

    None, and a word about it, where the server's account cannot run our program.
    """
    program, script = Path(sys.executable).resolve(), Path(archiver.__file__)
    archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if account is not None:
            os.chown(archive, account.uid, account.gid)
            for path in (archive, program, script):
                ensure_reachable(path, account, progress)
            if not (is_permitted(program, account, READ | SEARCH) and is_permitted(script, account, READ)):
                raise PrerequisiteMissing(f"The account '{account.name}' may not read '{script}'")
    except PrerequisiteMissing as exc:
        progress(f"The write-ahead log is not archived: {exc.message}")
        return None
    words = [shlex.quote(str(part)).replace("%", "%%") for part in (program, script)]
    return f'{words[0]} -I -S {words[1]} "%p" {shlex.quote(str(archive)).replace("%", "%%")}'


@dataclass(frozen=True, slots=True)
class Archive:
    """The segments that one cluster has archived."""

    home: Path

    def enable(self, account: Account | None) -> None:
        """From now on every finished segment is kept. An archive that had stopped has a gap, so it begins anew."""
        if self.state == "stopped":
            self.prune(None)
        self.home.mkdir(mode=0o700, exist_ok=True)
        marker = self.home / archiver.ENABLED
        marker.touch(mode=0o600)
        if account is not None:
            for path in (self.home, marker):
                os.chown(path, account.uid, account.gid)

    @property
    def state(self) -> str:
        """`on`, `off`, or `stopped` when the disk was full or the archive had reached its limit."""
        if (self.home / archiver.ENABLED).exists():
            return "on"
        return "stopped" if (self.home / archiver.STOPPED).exists() else "off"

    def list_segments(self, first: str = "") -> list[str]:
        """The segments from `first` on, in order."""
        names = os.listdir(self.home) if self.home.is_dir() else []
        return sorted(name for name in names if archiver.SEGMENT.fullmatch(name) and name >= first)

    def find_missing(self, after: str) -> str | None:
        """The first segment that is lost: it is not there, but a later one is."""
        expected = next_segment(after)
        for name in self.list_segments(expected):
            if name != expected:
                return expected
            expected = next_segment(expected)
        return None

    def newest_at(self) -> datetime | None:
        """When the newest segment was archived."""
        names = self.list_segments()
        return datetime.fromtimestamp((self.home / names[-1]).stat().st_mtime, UTC) if names else None

    def wait_for(self, name: str) -> None:
        """Returns when the segment is in the archive. Raises AiasError when it does not come."""
        deadline = clock.monotonic() + ARCHIVE_WAIT_SECONDS
        while not (self.home / name).exists():
            if self.state != "on":
                raise AiasError(
                    "The archive of the write-ahead log has stopped: the disk is full or the archive is at its limit",
                    hint="free some space, then run: aias db backup create",
                )
            if clock.monotonic() > deadline:
                raise AiasError(
                    f"The segment '{name}' was not archived within {ARCHIVE_WAIT_SECONDS:.0f} s",
                    hint="see why with: aias env logs postgres",
                )
            time.sleep(_POLL_SECONDS)

    def prune(self, first_needed: str | None) -> int:
        """Removes what no backup needs any more, all of it when none needs any; the number of segments removed."""
        if first_needed is None:
            removed = len(self.list_segments())
            shutil.rmtree(self.home, ignore_errors=True)
            return removed
        old = [name for name in self.list_segments() if name < first_needed]
        for name in old:
            (self.home / name).unlink()
        return len(old)

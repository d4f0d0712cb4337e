"""PostgreSQL's `archive_command`: keeps one finished segment of the write-ahead log, whole and once.

Runs as a file under the account of the server, so it uses the standard library alone. A cluster is archived once
`<archive>/<system identifier>/enabled` exists; until then every segment may go.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import sys
from pathlib import Path

ENABLED, STOPPED = "enabled", "stopped"
SEGMENT = re.compile(r"[0-9A-F]{24}")
LARGEST_BYTES = 8 * 1024**3
_BLOCK = 64 * 1024
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def keep_segment(source: Path, archive: Path, largest_bytes: int = LARGEST_BYTES) -> None:
    """Copies a segment into its cluster's directory; nothing happens where archiving is not enabled.

    The copy appears under its name only when it is on disk. A full disk or an archive above its limit ends archiving,
    because PostgreSQL would otherwise keep every segment for ever. Raises FileExistsError for other bytes of that name.
    """
    home = archive / str(read_system_id(source))
    if not (home / ENABLED).exists():
        return
    target = home / source.name
    if target.exists():
        if target.read_bytes() != source.read_bytes():
            raise FileExistsError(f"'{target}' holds other bytes")
        return
    if _used_bytes(home) >= largest_bytes:
        _stop(home)
        return
    partial = home / f".{source.name}.partial"
    try:
        _copy(source, partial)
    except OSError as exc:
        partial.unlink(missing_ok=True)
        if exc.errno not in _NO_SPACE:
            raise
        _stop(home)
        return
    os.replace(partial, target)
    _sync_directory(home)


def read_system_id(segment: Path) -> int:
    """The identifier of the cluster that wrote a segment (XLogLongPageHeaderData of xlog_internal.h)."""
    with segment.open("rb") as file:
        number: int = struct.unpack_from("=Q", file.read(40), 24)[0]
    return number


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        while block := reader.read(_BLOCK):
            if block.count(0) == len(block):
                writer.seek(len(block), os.SEEK_CUR)
            else:
                writer.write(block)
        writer.truncate()
        writer.flush()
        os.fsync(writer.fileno())


def _used_bytes(home: Path) -> int:
    return sum(entry.stat().st_blocks * 512 for entry in os.scandir(home))


def _stop(home: Path) -> None:
    os.replace(home / ENABLED, home / STOPPED)
    _sync_directory(home)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(source: str, archive: str) -> int:
    """The exit status that PostgreSQL reads: 0 lets it recycle the segment, 1 makes it try again."""
    if not SEGMENT.fullmatch(Path(source).name):
        return 0
    try:
        keep_segment(Path(source), Path(archive))
    except OSError as exc:
        sys.stderr.write(f"the segment was not archived: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The archive command: whole segments, once, never over another, and never a full disk."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from aias_core.backup import archive
from aias_core.backup.wal import SEGMENT_BYTES, Archive, iter_range, next_segment

SYSTEM_ID = 7712086638743403483
NAME = "00000001000000000000000A"


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    path = tmp_path / "pg_wal" / NAME
    path.parent.mkdir()
    path.write_bytes(build_segment(b"x" * 100_000))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "wal").mkdir()
    found = Archive(tmp_path / "wal" / str(SYSTEM_ID))
    found.enable(None)
    return found.home


def build_segment(content: bytes) -> bytes:
    return (bytes(24) + struct.pack("=Q", SYSTEM_ID) + content).ljust(SEGMENT_BYTES, b"\0")


def run(segment: Path, directory: Path, before: object = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", "-S", archive.__file__, str(segment), str(directory)]
    return subprocess.run(argv, capture_output=True, text=True, preexec_fn=before)  # type: ignore[call-overload]


def test_a_segment_is_kept_as_it_is_and_its_zeros_take_no_space(segment: Path, home: Path) -> None:
    assert run(segment, home.parent).returncode == 0
    kept = home / NAME
    assert kept.read_bytes() == segment.read_bytes()
    assert kept.stat().st_blocks * 512 < 1024**2
    assert kept.stat().st_mode & 0o077 == 0


def test_a_segment_may_go_where_nothing_is_archived(segment: Path, tmp_path: Path) -> None:
    assert run(segment, tmp_path / "wal").returncode == 0
    assert not (tmp_path / "wal").exists()


def test_the_same_segment_again_is_done_and_another_of_its_name_is_refused(segment: Path, home: Path) -> None:
    run(segment, home.parent)
    assert run(segment, home.parent).returncode == 0
    before = segment.read_bytes()
    segment.write_bytes(build_segment(b"y"))
    done = run(segment, home.parent)
    assert (done.returncode, "other bytes" in done.stderr) == (1, True)
    assert (home / NAME).read_bytes() == before


@pytest.mark.parametrize("name", [f"{NAME}.00000028.backup", "00000002.history"])
def test_what_is_not_a_segment_may_go(home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"text")
    assert run(tmp_path / name, home.parent).returncode == 0
    assert [path.name for path in home.iterdir()] == [archive.ENABLED]


def test_a_killed_command_leaves_a_whole_segment_or_none_and_the_next_one_completes_it(
    segment: Path, home: Path
) -> None:
    segment.write_bytes(build_segment(os.urandom(SEGMENT_BYTES - 32)))
    argv = [sys.executable, "-I", "-S", archive.__file__, str(segment), str(home.parent)]
    partial, kept = home / f".{NAME}.partial", home / NAME
    cut_off = 0
    for _ in range(10):
        running = subprocess.Popen(argv)
        while running.poll() is None and not partial.exists():
            pass
        running.send_signal(signal.SIGKILL)
        running.wait()
        cut_off += partial.exists()
        assert not kept.exists() or kept.read_bytes() == segment.read_bytes()
        kept.unlink(missing_ok=True)
    assert cut_off > 0
    assert run(segment, home.parent).returncode == 0
    assert kept.read_bytes() == segment.read_bytes()
    assert not partial.exists()


def test_a_full_disk_ends_archiving_and_the_server_lives_on(segment: Path, home: Path) -> None:
    def allow_little() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024**2, 1024**2))

    assert run(segment, home.parent, allow_little).returncode == 0
    assert Archive(home).state == "stopped"
    assert [path.name for path in home.iterdir()] == [archive.STOPPED]
    Archive(home).enable(None)
    assert Archive(home).state == "on"


def test_an_archive_at_its_limit_ends_and_begins_anew_with_the_next_backup(segment: Path, home: Path) -> None:
    archive.keep_segment(segment, home.parent)
    later = segment.rename(segment.with_name(next_segment(NAME)))
    archive.keep_segment(later, home.parent, largest_bytes=1024)
    assert (Archive(home).state, Archive(home).list_segments()) == ("stopped", [NAME])
    Archive(home).enable(None)
    assert (Archive(home).state, Archive(home).list_segments()) == ("on", [])


def test_the_first_lost_segment_is_named(home: Path) -> None:
    names = list(iter_range("0000000100000000000000FE", "000000010000000100000003"))
    assert names[2] == "000000010000000100000000"
    for name in names:
        (home / name).touch()
    assert Archive(home).find_missing(names[0]) is None
    (home / names[3]).unlink()
    assert Archive(home).find_missing(names[0]) == names[3]
    assert Archive(home).find_missing(names[-1]) is None
    assert Archive(home).prune(names[2]) == 2
    assert Archive(home).list_segments()[0] == names[2]

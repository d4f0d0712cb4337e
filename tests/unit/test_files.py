import errno
import resource
from pathlib import Path
from typing import BinaryIO

import pytest

from aias_core.errors import PrerequisiteMissing
from aias_core.files import whole_file, write_first


def test_a_file_appears_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "new" / "a") as file:
        file.write(b"abc")
        assert not (tmp_path / "new" / "a").exists()
    assert (tmp_path / "new" / "a").read_bytes() == b"abc"
    assert (tmp_path / "new" / "a").stat().st_mode & 0o777 == 0o600


def write_half(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError(errno.EIO, "Input/output error")


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(PrerequisiteMissing), whole_file(tmp_path / "a") as file:
        write_half(file)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with (
            pytest.raises(PrerequisiteMissing, match="cannot be written") as caught,
            whole_file(tmp_path / "a") as file,
        ):
            file.write(b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "dir").write_text("")
    with pytest.raises(PrerequisiteMissing, match="cannot be written"), whole_file(tmp_path / "dir" / "a"):
        pass


def test_what_was_written_first_stays(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        write_first(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == b"first"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]

from __future__ import annotations

import gzip
import io
from datetime import timedelta
from pathlib import Path

import pyarrow
import pytest

from aias_core import clock
from aias_core.analytics.ingest.files import LINE_LIMIT, EventFile, open_events
from aias_core.analytics.ingest.load import validate_events
from aias_core.contracts import usage
from aias_core.errors import InvalidInput, NothingRan
from support.events import make_event

TEXT = b"".join(b"line %d\n" % number for number in range(1, 1001))


def zstd(data: bytes) -> bytes:
    packed: bytes = pyarrow.compress(data, "zstd", asbytes=True)
    return packed


def write(directory: Path, content: bytes, name: str = "events") -> str:
    (directory / name).write_bytes(content)
    return str(directory / name)


def read_all(file: EventFile, lines: int = 7) -> list[bytes]:
    return [line for piece in file.iter_pieces(lines) for line in piece.lines]


@pytest.mark.parametrize(
    "content",
    [TEXT, gzip.compress(TEXT), gzip.compress(TEXT[:70]) + gzip.compress(TEXT[70:]), zstd(TEXT)],
    ids=["plain", "gzip", "gzip members", "zstd"],
)
def test_the_first_bytes_tell_the_compression(tmp_path: Path, content: bytes) -> None:
    with open_events(write(tmp_path, content), io.BytesIO()) as file:
        assert b"".join(read_all(file)) == TEXT
    with open_events("-", io.BytesIO(content)) as file:
        assert b"".join(read_all(file)) == TEXT


@pytest.mark.parametrize("content", [TEXT, gzip.compress(TEXT), zstd(TEXT)], ids=["plain", "gzip", "zstd"])
def test_a_file_goes_on_after_any_of_its_pieces_with_the_numbers_of_its_lines(tmp_path: Path, content: bytes) -> None:
    name = write(tmp_path, content)
    with open_events(name, io.BytesIO()) as file:
        pieces = list(file.iter_pieces(300))
    with open_events(name, io.BytesIO()) as file:
        file.skip_to(pieces[1].end)
        assert list(file.iter_pieces(300)) == pieces[2:]


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_file_that_is_cut_off_is_named_as_that(tmp_path: Path, pack: type[bytes]) -> None:
    content = pack(TEXT)
    with (
        open_events(write(tmp_path, content[:-20]), io.BytesIO()) as file,
        pytest.raises(InvalidInput, match="damaged or cut off"),
    ):
        read_all(file)


def test_a_line_without_end_costs_one_line_and_little_memory() -> None:
    content = b"first\n" + b"x" * (50 * LINE_LIMIT) + b"\nlast"
    with open_events("-", io.BytesIO(content)) as file:
        [piece] = file.iter_pieces(10)
    assert [len(line) for line in piece.lines] == [6, LINE_LIMIT, 4]
    assert piece.end == len(content)


def test_a_line_of_exactly_the_limit_does_not_swallow_the_next() -> None:
    content = b"x" * (LINE_LIMIT - 1) + b"\n" + b"y" * LINE_LIMIT + b"\nlast\n"
    with open_events("-", io.BytesIO(content)) as file:
        lines = read_all(file)
    assert [line[:1] for line in lines] == [b"x", b"y", b"l"]


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_can_not_be_read_is_invalid_input(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(InvalidInput, match="cannot be read"),
        open_events(str(tmp_path / name), io.BytesIO()),
    ):
        pass


def test_the_same_content_under_the_same_name_is_the_same_source(tmp_path: Path) -> None:
    def source(content: bytes, name: str) -> str:
        with open_events(write(tmp_path, content, name), io.BytesIO()) as file:
            return file.source

    assert source(b"a\n", "one") == source(b"a\n", "one")
    assert len({source(b"a\n", "one"), source(b"b\n", "one"), source(b"a\n", "two"), source(b"a\nb\n", "one")}) == 4


def test_a_verdict_names_the_line_the_field_and_the_reason() -> None:
    valid = usage.encode(make_event())
    old = usage.encode(make_event(at=clock.now() - timedelta(days=36)))
    with open_events("-", io.BytesIO(b"\n".join([valid, b"", b"{", old]))) as file:
        validation = validate_events(file, clock.now())
    assert (validation.valid, validation.invalid) == (1, 2)
    assert [(row["line"], row["verdict"], row["reason"]) for row in validation.verdicts] == [
        (1, "valid", None),
        (3, "invalid", "malformed"),
        (4, "invalid", "too_old"),
    ]


def test_an_empty_file_has_nothing_to_validate() -> None:
    with open_events("-", io.BytesIO(b"\n\n")) as file, pytest.raises(NothingRan):
        validate_events(file, clock.now())

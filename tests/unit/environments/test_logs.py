from __future__ import annotations

import json
from pathlib import Path

import pytest

from aias_core.environments.local.logfiles import ROTATE_BYTES, LineSplitter, RotatingFile, build_line, numbered
from aias_core.environments.local.logs import LogLine, build_filter, follow_lines, read_lines
from aias_core.errors import InvalidInput


@pytest.mark.parametrize(
    ("log_format", "line", "level", "message"),
    [
        ("postgres", "FATAL:  no such role", "error", "no such role"),
        ("postgres", "LOG:  ready", "info", "ready"),
        ("nats", "no brackets", "info", "no brackets"),
        ("nats", "[12] [WRN] slow consumer", "warning", "slow consumer"),
        ("seaweedfs", '{"ts":"2026-01-01T00:00:00Z","level":"INFO","msg":"up"}', "info", "up"),
        ("json", '{"timestamp":"2026-01-01T00:00:00Z","level":"error","event":"boom","status":500}', "error", "boom"),
        ("json", "Traceback (most recent call last):", "error", "Traceback (most recent call last):"),
        ("json", "{not json", "error", "{not json"),
    ],
)
def test_every_format_becomes_the_same_fields(log_format: str, line: str, level: str, message: str) -> None:
    record = json.loads(build_line("thing", log_format, line))
    assert list(record)[:4] == ["time", "level", "component", "message"]
    assert (record["level"], record["component"], record["message"]) == (level, "thing", message)


def test_secrets_do_not_reach_the_file() -> None:
    line = build_line("router", "json", "connecting to nats://aias:hunter2hunter2@127.0.0.1:4222")
    assert "hunter2" not in line


def test_an_address_and_a_mailbox_do_not_spoil_a_line() -> None:
    line = build_line("router", "json", '{"event":"see https://wiki","by":"anna@example.com"}')
    assert json.loads(LogLine.parse("router", line).text)["by"] == "anna@example.com"


def test_lines_are_put_together_and_long_ones_cut() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntw") == ["one"]
    assert splitter.feed(b"o\n\n") == ["two"]
    assert len(splitter.feed(b"x" * 100_000)[0]) == 100_000
    assert splitter.end() == []


def test_file_rotates_and_keeps_three(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "a.log")
    for number in range(6):
        log.write([f"{number}" + "x" * ROTATE_BYTES])
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2", "a.log.3"]
    assert numbered(tmp_path / "a.log", 3).read_text()[0] == "2"


def write_lines(directory: Path, component: str, *lines: tuple[int, str, str]) -> None:
    with (directory / f"{component}.log").open("a", encoding="utf-8") as file:
        for second, level, message in lines:
            record = {"time": f"2026-11-24T10:00:{second:02}Z", "level": level, "component": component}
            file.write(json.dumps({**record, "message": message}) + "\n")


def test_newest_lines_of_all_components_are_merged_by_time(tmp_path: Path) -> None:
    write_lines(tmp_path, "a", (1, "info", "a1"), (4, "error", "a4"), (6, "info", "a6"))
    write_lines(tmp_path, "b", (2, "info", "b2"), (5, "warning", "b5"))

    def messages(**wanted: object) -> list[str]:
        chosen = {"tail": None, "since": None, "level": None, "grep": None, **wanted}
        return [line.message for line in read_lines(tmp_path, ["a", "b", "never"], build_filter(**chosen))]  # type: ignore[arg-type]

    assert messages() == ["a1", "b2", "a4", "b5", "a6"]
    assert messages(tail=2) == ["b5", "a6"]
    assert messages(level="warning") == ["a4", "b5"]
    assert messages(grep="a[14]") == ["a1", "a4"]
    assert messages(since="2026-11-24T10:00:05Z") == ["b5", "a6"]
    assert messages(tail=0) == []


def test_lines_longer_than_a_block_are_read_whole(tmp_path: Path) -> None:
    write_lines(tmp_path, "a", (1, "info", "x" * 200_000), (2, "info", "y"))
    found = read_lines(tmp_path, ["a"], build_filter(None, None, None, None))
    assert [len(line.message) for line in found] == [200_000, 1]


def test_following_goes_on_across_a_rotation(tmp_path: Path) -> None:
    write_lines(tmp_path, "a", (1, "info", "old"))
    lines = follow_lines(tmp_path, ["a"], build_filter(None, None, None, None))
    assert next(lines).message == "old"
    write_lines(tmp_path, "a", (2, "info", "before"))
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    write_lines(tmp_path, "a", (3, "info", "after"))
    assert [next(lines).message, next(lines).message] == ["before", "after"]


@pytest.mark.parametrize(
    "wanted", [(None, "yesterday", None, None), (None, None, "loud", None), (None, None, None, "(")]
)
def test_filter_that_means_nothing_is_refused(wanted: tuple[None, str | None, str | None, str | None]) -> None:
    with pytest.raises(InvalidInput):
        build_filter(*wanted)

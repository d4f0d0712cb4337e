"""`aias db lint` as its users run it: exit codes, output, and what has changed since a commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aias_cli.main import run

CLEAN = "-- aias: risk = Nothing\nSELECT 1;\n"
NAME = "202610010000_one"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "repository" / "migrations"
    path.mkdir(parents=True)
    write(path, NAME)
    return path


def write(directory: Path, name: str, up: str = CLEAN) -> Path:
    (directory / f"{name}.down.sql").write_text(CLEAN)
    (directory / f"{name}.up.sql").write_text(up)
    return directory / f"{name}.up.sql"


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(directory), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(directory: Path) -> Path:
    git(directory, "init", "-q")
    git(directory, "add", ".")
    git(directory, "commit", "-qm", "one")
    return directory


def lint(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, dict[str, Any]]:
    code = run(["db", "lint", *map(str, argv), "-o", "json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def test_clean_files_end_with_0(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, data = lint(capsys, directory)
    assert code == 0
    assert data == {"schema": "aias.db.lint/1", "files": 2, "errors": 0, "warnings": 0, "findings": []}


def test_an_error_ends_with_10(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(directory, "202610010001_two", CLEAN + "TRUNCATE legacy;")
    code, data = lint(capsys, directory)
    assert code == 10
    assert [finding["place"] for finding in data["findings"]] == [f"{path}:3"]
    assert set(data["findings"][0]) == {"place", "file", "line", "rule", "message", "safer", "severity"}


def test_a_warning_alone_ends_with_0(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(directory, "202610010001_two", CLEAN + "ALTER TABLE legacy ADD COLUMN a varchar(40);")
    code, data = lint(capsys, directory)
    assert (code, data["errors"], data["warnings"]) == (0, 0, 1)


def test_one_file_is_judged_alone(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(directory, "202610010001_two", CLEAN + "TRUNCATE legacy;")
    assert lint(capsys, directory / f"{NAME}.up.sql")[0] == 0
    assert lint(capsys, directory / "202610010001_two.up.sql")[0] == 10


def test_no_file_ends_with_12(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(capsys, tmp_path) == (12, {})


@pytest.mark.parametrize("name", ["nothing", "nothing.up.sql"])
def test_a_path_that_is_not_there_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert lint(capsys, tmp_path / name) == (2, {})


def test_a_file_that_is_no_sql_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("TRUNCATE legacy;")
    assert lint(capsys, tmp_path / "notes.txt") == (2, {})


def test_the_shipped_directories_are_judged_by_default_and_pass(capsys: pytest.CaptureFixture[str]) -> None:
    (code, both), one = lint(capsys), lint(capsys, "--database", "analytics")[1]
    assert code == 0
    assert both["files"] > one["files"] > 0


def test_since_judges_what_is_new_in_the_light_of_the_rest(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, NAME, CLEAN + "CREATE TABLE a (id bigint PRIMARY KEY);\nTRUNCATE legacy;")
    git(repository, "commit", "-qam", "more")
    write(repository, "202610010001_two", CLEAN + "TRUNCATE a;")
    code, data = lint(capsys, repository, "--since", "HEAD")
    assert code == 10
    assert [(f["rule"], Path(f["file"]).name) for f in data["findings"]] == [("truncate", "202610010001_two.up.sql")]


def test_since_without_changes_ends_with_0_and_says_how_much_it_compared(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data = lint(capsys, repository, "--since", "HEAD")
    assert (code, data["files"], data["findings"]) == (0, 2, [])


def test_a_released_file_that_was_edited_or_removed_is_an_error(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, NAME, CLEAN + "SELECT 2;")
    (repository / f"{NAME}.down.sql").unlink()
    code, data = lint(capsys, repository, "--since", "HEAD")
    assert code == 10
    assert [f["rule"] for f in data["findings"] if f["rule"].startswith("released")] == ["released-file-changed"] * 2


def test_a_new_file_before_a_released_one_is_an_error(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, "202609010000_late")
    data = lint(capsys, repository, "--since", "HEAD")[1]
    assert [finding["rule"] for finding in data["findings"]] == ["version-out-of-order"]


def test_an_unknown_commit_ends_with_2(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(capsys, repository, "--since", "nothing")[0] == 2
    assert lint(capsys, repository, "--since", "--output=x")[0] == 2


def test_since_without_git_ends_with_3(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lint(capsys, repository, "--since", "HEAD")[0] == 3


def test_since_outside_a_repository_ends_with_3(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(capsys, directory, "--since", "HEAD")[0] == 3

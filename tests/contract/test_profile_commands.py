"""The commands about profiles, as a person meets them: output, exit codes, and which environment is meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aias_cli.main import run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def aias(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line in an empty directory; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("AIAS_ENV", "AIAS_ENVIRONMENTS", "AIAS_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)

    def call(*argv: str) -> tuple[int, str, str]:
        code = run(list(argv))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def read(aias: Run, *argv: str) -> dict[str, Any]:
    code, out, err = aias(*argv, "-o", "json")
    assert code == 0, err
    data: dict[str, Any] = json.loads(out)
    return data


@pytest.mark.parametrize(
    "argv",
    [
        ("validate", "nope"),
        ("show", "nope"),
        ("explain", "nope", "region"),
        ("explain", "staging", "nope"),
        ("diff", "staging", "nope"),
        ("export", "nope"),
        ("activate", "nope"),
        ("show", "staging", "--component", "nope"),
    ],
    ids=" ".join,
)
def test_an_unknown_name_ends_with_4_and_leaves_nothing(aias: Run, argv: tuple[str, ...], tmp_path: Path) -> None:
    code, out, err = aias("env", *argv)
    assert (code, out) == (4, "")
    assert err.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


def test_errors_are_listed_and_end_with_2(aias: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: staging\nprotect: maybe\nnetwork: {vpc_cidr: 10.2.0.0/16}\n")
    code, out, err = aias("env", "validate", "mine", "--config", str(tmp_path), "-o", "json")
    data = json.loads(out)
    assert (code, data["schema"], data["valid"]) == (2, "aias.env.validate/1", False)
    assert {"protect", "network.vpc_cidr", "network.subnets.nodes"} <= {finding["key"] for finding in data["findings"]}
    assert "3 errors" in err


def test_which_environment_is_meant(aias: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def meant(*argv: str) -> str:
        return str(read(aias, "env", "show", *argv)["environment"])

    assert meant() == "local"
    assert read(aias, "env", "activate", "staging")["previous"] == "local"
    assert meant() == "staging"
    monkeypatch.setenv("AIAS_ENV", "system")
    assert meant() == "system"
    assert meant("--env", "demo") == "demo"
    assert meant("--env", "demo", "development") == "development"


def test_a_stored_choice_is_said(aias: Run) -> None:
    aias("env", "activate", "staging")
    assert "Working on 'staging'" in aias("env", "show")[2]
    assert aias("env", "show", "demo")[2] == ""


def test_production_must_be_named_to_work_on_it(aias: Run) -> None:
    assert aias("env", "activate", "production")[0] == 0
    assert aias("env", "show")[0] == 0
    code, _, err = aias("env", "down")
    assert code == 6
    assert "--env production" in err


@pytest.mark.parametrize("verb", [["up"], ["down", "--confirm", "development"], ["status"]], ids=lambda verb: verb[0])
def test_an_environment_on_linode_is_not_taken_for_a_local_one(
    aias: Run, verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LINODE_TOKEN", raising=False)
    code, _, err = aias("env", *verb, "--env", "development")
    assert code == 3
    assert "no token of the Linode account" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [["--keep-state"], ["--plan", "x"], ["--ticket", "x"], ["--confirm", "local"], ["--lock-wait", "5"]],
    ids=lambda options: options[0],
)
def test_a_local_environment_goes_down_without_options_of_linode(aias: Run, options: list[str]) -> None:
    code, _, err = aias("env", "down", "local", *options, "--yes")
    assert code == 2
    assert options[0] in err


def test_the_list_says_what_is_chosen_and_what_is_not_valid(aias: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("extends: local\ncolour: red\n")
    rows = {row["name"]: row for row in read(aias, "env", "list", "--config", str(tmp_path))["environments"]}
    assert rows["bad"]["status"] == "invalid"
    assert (rows["local"]["chosen"], rows["local"]["status"]) == (True, "down")
    assert (rows["production"]["region"], rows["production"]["nodes"]) == ("fr-par", 4)


def test_an_export_is_shown_or_written(aias: Run, tmp_path: Path) -> None:
    written = read(aias, "env", "export", "development", "--out", "dev.env")
    assert written["file"] == "dev.env"
    assert "AIAS_ENV=development" in (tmp_path / "dev.env").read_text()
    assert json.loads(aias("env", "export", "development", "-o", "json")[1])["variables"] == {"AIAS_ENV": "development"}
    assert aias("env", "export", "development", "--format", "yaml")[1].startswith("# Variables")


def test_the_graph_and_the_schema_are_texts_of_their_own(aias: Run) -> None:
    assert aias("env", "components", "--graph")[1].startswith("graph TD")
    assert json.loads(aias("env", "schema")[1])["$schema"].startswith("https://json-schema.org/")

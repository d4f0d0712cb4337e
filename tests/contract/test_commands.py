"""The whole command tree, walked: what every command promises, whatever it does."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aias_cli import main
from aias_cli.main import COMMANDS, GROUPS
from aias_cli.reference import iter_commands, render_all
from aias_core.errors import ExitCode

ROOT = Path(__file__).parents[2]
TREE = dict(iter_commands())
NEEDS_NO_ENVIRONMENT = (
    *("aias version", "aias doctor", "aias demo", "aias env", "aias net", "aias secrets"),
    *(
        "aias analytics approve",
        "aias analytics validate",
        "aias analytics exports verify",
        "aias db approve",
        "aias db classify",
        "aias db docs",
        "aias db lint",
    ),
)
NEEDS_AN_ENVIRONMENT = [path for path in TREE if not path.startswith(NEEDS_NO_ENVIRONMENT)]
ARGUMENTS = {
    "aias org create": ["acme"],
    "aias key issue": ["--org", "acme"],
    "aias key list": ["--org", "acme"],
    "aias analytics usage": ["--org", "acme"],
    "aias db hash retire": ["e1", "--yes"],
    "aias db hash rotate": ["--from", "e1", "--to", "e2"],
    "aias db repair": ["202611250001", "--database", "analytics", "--mark", "pending", "--yes"],
    "aias db erase org": ["acme", "--ticket", "T-1", "--legal-basis", "x", "--dry-run"],
    "aias db erase user": ["nobody", "--ticket", "T-1", "--legal-basis", "x", "--dry-run"],
    "aias db erase verify": ["certificate.json"],
    "aias db hold add": ["--org", "acme", "--reason", "x"],
    "aias db hold release": ["019ab1c2-0000-7000-8000-000000000000", "--reason", "x"],
    "aias db rollback": ["--database", "operational", "--steps", "1"],
    "aias env maintenance on": ["--reason", "x"],
    "aias env nodes cordon": ["--node", "lke500001-700001-7aa191196578"],
    "aias env nodes drain": ["--node", "lke500001-700001-7aa191196578"],
    "aias env nodes scale": ["--pool", "general", "--count", "3"],
    "aias env rollback": ["--to", "00000001-20261001T120000Z-000001", "--change", "C-1"],
    "aias env state lock": ["--reason", "x"],
    "aias env state restore": ["--to", "00000001-20261001T120000Z-000001"],
    "aias env state unlock": ["--id", "019ab1c2-0000-7000-8000-000000000000", "--reason", "x"],
    "aias analytics adjust": ["--org", "acme", "--amount", "1.00", "--reason", "credit", "--yes"],
    "aias analytics close": ["2026-10", "--yes"],
    "aias analytics dead-letters drop": ["--reason", "x", "--yes"],
    "aias analytics dead-letters show": ["019ab1c2-0000-7000-8000-000000000000"],
    "aias analytics diff": ["2026-10"],
    "aias analytics rollup rebuild": ["--from", "2026-10-01", "--to", "2026-11-01"],
    "aias analytics ingest load": ["events.ndjson"],
    "aias analytics export": ["--month", "2026-01"],
    "aias analytics exports cancel": ["019ab1c2-0000-7000-8000-000000000000"],
    "aias analytics exports download": ["019ab1c2-0000-7000-8000-000000000000"],
    "aias analytics exports retry": ["019ab1c2-0000-7000-8000-000000000000"],
    "aias analytics exports show": ["019ab1c2-0000-7000-8000-000000000000"],
    "aias analytics restate": ["2026-10", "--reason", "late events", "--yes"],
    "aias analytics sources retire": ["router-local-1", "--reason", "gone"],
    "aias analytics forecast": ["--org", "acme"],
    "aias token issue": ["--org", "acme", "--role", "viewer"],
}


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*argv: str, cwd: Path) -> Done:
    """One command line in this process, without a terminal."""
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO())
        code = main.run(list(argv))
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


@pytest.mark.parametrize("path", TREE)
def test_every_command_has_help_with_an_example_and_its_exit_codes(path: str) -> None:
    command = TREE[path]
    assert f"Example: {path}" in command.help
    assert all(f"{int(code)} " in command.epilog for code in ExitCode)


@pytest.mark.parametrize("path", TREE)
def test_every_option_says_what_it_is_for(path: str) -> None:
    for option in TREE[path].params:
        assert getattr(option, "help", None), option.name


@pytest.mark.parametrize("path", TREE)
def test_every_command_takes_the_root_options(path: str) -> None:
    names = {name for option in TREE[path].params for name in option.opts}
    assert {"--env", "--output", "-o", "--quiet", "--verbose", "--yes", "--no-input", "--config"} <= names


def test_the_root_names_its_members_as_they_name_themselves() -> None:
    from importlib import import_module

    for name, summary in GROUPS.items():
        assert import_module(f"aias_cli.commands.{name}").group.info.help == summary
    assert set(COMMANDS) | set(GROUPS) == {path.split()[1] for path in TREE}


@pytest.mark.parametrize("name", render_all())
def test_the_reference_is_what_the_program_says(name: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text() == render_all()[name], "write it again with: make docs"


@pytest.mark.parametrize("path", NEEDS_AN_ENVIRONMENT)
def test_without_an_environment_a_command_ends_with_3_and_names_the_next_one(path: str, tmp_path: Path) -> None:
    done = run(*path.split()[1:], *ARGUMENTS.get(path, []), "-o", "json", cwd=tmp_path)
    fault = json.loads(done.stderr)
    assert (done.returncode, fault["exit_code"]) == (3, 3)
    assert "aias env up" in fault["hint"]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["nope"], 2),
        (["env", "nope"], 2),
        (["version", "--nope"], 2),
        (["-o", "xml", "version"], 2),
        (["--env", "nope", "env", "up"], 4),
        (["env", "up", "local", "--plan", "019ab1c2-0000-7000-8000-000000000000"], 2),
        (["env", "up", "local", "--cleanup"], 2),
        (["env", "up", "development", "--timeout", "60"], 2),
        (["env", "status", "nope"], 4),
        (["analytics", "export", "--month", "2999-01"], 2),
        (["analytics", "export", "--month", "soon"], 2),
        (["analytics", "export"], 2),
        (["analytics", "export", "--month", "2026-01", "--period", "7d"], 2),
        (["analytics", "export", "--from", "2026-01-01"], 2),
        (["analytics", "export", "--from", "2026-01-02", "--to", "2026-01-05", "--granularity", "month"], 2),
        (["analytics", "export", "--month", "2026-01", "--kind", "focus", "--format", "jsonl"], 2),
        (["analytics", "exports", "verify", "nowhere.csv"], 4),
        (["analytics", "close", "2999-01"], 2),
        (["analytics", "usage", "--period", "soon"], 2),
        (["analytics", "usage", "--from", "2026-11-02", "--to", "2026-11-01"], 2),
        (["analytics", "usage", "--month", "2026-01", "--period", "7d"], 2),
        (["analytics", "usage", "--tz", "Mars/Olympus"], 2),
        (["analytics", "reliability", "--percentile", "42"], 2),
        (["analytics", "forecast", "--org", "acme", "--budget", "much"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence_a_hint_and_its_code(argv: list[str], code: int, tmp_path: Path) -> None:
    done = run(*argv, cwd=tmp_path)
    assert done.returncode == code
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Error: ")
    assert lines[1].startswith("Hint: ")
    assert len(lines) == 2
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("position", ["before", "after"])
def test_root_options_work_before_and_after_the_name(position: str, tmp_path: Path) -> None:
    argv = ["-o", "json", "version"] if position == "before" else ["version", "-o", "json"]
    data: dict[str, Any] = json.loads(run(*argv, cwd=tmp_path).stdout)
    assert data["schema"] == "aias.version/1"


def test_doctor_reports_each_check_with_a_remedy_where_it_is_needed(tmp_path: Path) -> None:
    done = run("doctor", "-o", "json", cwd=tmp_path)
    data = json.loads(done.stdout)
    assert done.returncode == 0
    assert data["schema"] == "aias.doctor/1"
    assert all(check["remedy"] for check in data["checks"] if check["verdict"] != "ok")


def test_completion_offers_the_commands(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aias_cli"],
        env={"_AIAS_COMPLETE": "complete_bash", "COMP_WORDS": "aias env ", "COMP_CWORD": "2"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert {"up", "down", "status", "logs", "restart"} <= set(done.stdout.split())

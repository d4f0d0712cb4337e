from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from aias_core.demo.proofs import Proof
from aias_core.demo.run import DemoReport
from support.documents import ROOT
from support.environments import CommandLine, processes_in


def test_a_proof_that_does_not_hold_fails_the_demo() -> None:
    report = DemoReport(proofs=[Proof("a", "1", "1"), Proof("b", "1", "2")])
    assert [proof.claim for proof in report.failed] == ["b"]
    assert report.as_record()["proofs"][1]["holds"] is False


def test_a_demo_clears_away_one_that_was_killed_proves_its_numbers_and_leaves_nothing(tmp_path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-m", "aias_cli", "demo"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert killed.stderr
    killed.stderr.readline()
    killed.kill()
    killed.communicate()
    assert processes_in(tmp_path)
    report = CommandLine(tmp_path).json("demo")
    assert len(report["proofs"]) > 15
    assert all(proof["holds"] for proof in report["proofs"])
    assert processes_in(tmp_path) == []
    assert not (tmp_path / ".aias" / "demo").exists()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel in an environment of its own, outside the checkout; dependencies are those of this one."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    venv.create(directory / "venv")
    [wheel] = directory.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(directory / "venv/bin/python"), "install"]
    pip += ["--no-deps", "--no-index", "--quiet", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    site = next((directory / "venv/lib").glob("python3*/site-packages"))
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(here + "\n")
    return directory / "venv/bin/aias"


def test_the_wheel_carries_everything_an_environment_needs(installed: Path, tmp_path: Path) -> None:
    def run(*argv: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(
            [installed, *argv], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
        ).stdout

    where = run("version", "--verbose", "-o", "json")
    assert json.loads(where)["aias"]
    try:
        run("--env", "demo", "env", "up")
        databases = json.loads(run("--env", "demo", "db", "status", "-o", "json"))["databases"]
        assert all(database["version"] and not database["pending"] for database in databases)
    finally:
        run("--env", "demo", "env", "down", "--volumes", "--yes")
    assert processes_in(tmp_path) == []

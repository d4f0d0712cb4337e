"""Every command in the documentation is run, page by page, as printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aias_core.environments.linode.simulation import stop_simulation
from support.documents import ROOT, blocks, pages
from support.environments import CommandLine, processes_in

ADDRESS = "http://127.0.0.1:8080/"


@pytest.mark.parametrize("page", [p for p in pages() if blocks(p)[0]], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_as_printed(page: Path, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    script = "set -euo pipefail\n" + "\n".join(blocks(page)[0])
    if ADDRESS in script:
        line.run("env", "up")
        script = script.replace(ADDRESS, f"http://127.0.0.1:{line.component('router')['ports']['main']}/")
    variables = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "AIAS_SIMULATION_PACE": "0"}
    try:
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True
        )
    finally:
        subprocess.run(
            [sys.executable, "-m", "aias_cli", "env", "down", "--volumes", "--yes"], cwd=tmp_path, check=True
        )
        for simulated in tmp_path.glob(".aias/*/simulation.json"):
            stop_simulation(simulated.parent, forget=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert processes_in(tmp_path) == []

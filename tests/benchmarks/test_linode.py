"""An environment on the simulated Linode, through the command line as operators run it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.environments import CommandLine, processes_in

if TYPE_CHECKING:
    from benchmarks.conftest import Figures

NAME = "development"


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_an_environments_life_on_linode(figures: Figures, tmp_path: Path) -> None:
    line = CommandLine(tmp_path, {"AIAS_SIMULATION_PACE": "0"})
    line.run("env", "plan", NAME, "--simulate")
    try:
        figures.add_time("env validate", seconds_of(lambda: line.run("env", "validate", NAME)), 1)
        figures.add_time("env plan on Linode", seconds_of(lambda: line.run("env", "plan", NAME)), 5)
        line.run("env", "up", NAME, "--yes")
        figures.add_time("env up on Linode, nothing to do", seconds_of(lambda: line.run("env", "up", NAME)), 10)
        figures.add_time("env status on Linode", seconds_of(lambda: line.run("env", "status", NAME)), 2)
    finally:
        line.run("env", "down", NAME, "--volumes", "--confirm", NAME)
    assert processes_in(tmp_path) == []

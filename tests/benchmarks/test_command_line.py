"""Start-up, the life of an environment, and the demo, through the command line as users run it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import psutil

from support.environments import CommandLine, processes_in

if TYPE_CHECKING:
    from benchmarks.conftest import Figures

IDLE_SECONDS = 10


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_start_up(figures: Figures, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    for argv, target in ((["--help"], 0.150), (["version"], 0.120)):
        runs = [seconds_of(partial(line.run, *argv)) for _ in range(11)]
        figures.add_time(f"aias {' '.join(argv)} (median of 11)", statistics.median(runs), target)


def test_an_environments_life(figures: Figures, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    try:
        figures.add_time("env up, fresh", seconds_of(lambda: line.run("env", "up")), 10)
        line.run("org", "create", "acme")
        key = line.json("key", "issue", "--org", "acme")["secret"]
        figures.add_time("env up, nothing to do", seconds_of(lambda: line.run("env", "up")), 1)
        figures.add_time("env status", seconds_of(lambda: line.run("env", "status")), 2)
        figures.add_time("env down", seconds_of(lambda: line.run("env", "down")), 10)
        figures.add_time("env up, later", seconds_of(lambda: line.run("env", "up")), 5)
        url = f"http://127.0.0.1:{line.component('router')['ports']['main']}/v1"
        figures.add_time(
            "first completion after healthy, mock delay taken off", first_completion(url, key) - 0.11, 0.05
        )
        # A page that several processes share counts once: ten servers of PostgreSQL share their buffers.
        held = sum(process.memory_full_info().pss for process in members_of(tmp_path))
        figures.add_ratio("idle environment, memory", f"{held / 2**20:.0f} MiB", "≤ 700 MiB", held / (700 * 2**20))
        before = processor_seconds(tmp_path)
        time.sleep(IDLE_SECONDS)
        share = (processor_seconds(tmp_path) - before) / IDLE_SECONDS
        figures.add_ratio("idle environment, of one core", f"{share:.1%}", "≤ 10 %", share / 0.1)
    finally:
        line.run("env", "down", "--volumes", "--yes")
    assert processes_in(tmp_path) == []


def members_of(directory: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if str(directory) in " ".join(words_of(process))]


def processor_seconds(directory: Path) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in members_of(directory))


def words_of(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), process.cwd(), *(words_of(parent) if (parent := process.parent()) else [])]
    except psutil.Error:
        return []


def first_completion(url: str, key: str) -> float:
    client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
    question: list[Any] = [{"role": "user", "content": "x"}]
    create = client.chat.completions.create
    return seconds_of(lambda: create(model="mock-small", messages=question))


def test_the_demo(figures: Figures, tmp_path: Path) -> None:
    figures.add_time("aias demo", seconds_of(lambda: CommandLine(tmp_path).run("demo")), 60)

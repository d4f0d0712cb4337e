from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import psutil
import psycopg
import pytest

from support import servers
from support.servers import PostgresServer


class Spent(NamedTuple):
    """Seconds by the clock, and seconds of a processor that the process of the connection in PostgreSQL worked."""

    seconds: float
    worked: float


def spend(connection: psycopg.Connection, work: Callable[[], object]) -> Spent:
    """What a piece of work costs. The second figure is the same on a busy machine, where the first is not."""
    process = psutil.Process(connection.info.backend_pid)
    started, before = time.perf_counter(), process.cpu_times()
    work()
    seconds, after = time.perf_counter() - started, process.cpu_times()
    return Spent(seconds, after.user + after.system - before.user - before.system)


@dataclass
class Figures:
    """What was measured in this run, each beside its target or floor."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add_time(self, name: str, seconds: float, target: float) -> None:
        self.rows.append(
            (name, f"{seconds * 1000:.0f} ms", f"≤ {target * 1000:.0f} ms", f"{seconds / target:.2f} of it")
        )

    def add_ratio(self, name: str, measured: str, floor: str, ratio: float) -> None:
        self.rows.append((name, measured, floor, f"{ratio:.2f}"))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """As users have it, but for the disk: other tools refuse a password that is not stretched."""
    with servers.postgres_server(tmp_path_factory.mktemp("postgres") / "home", ["--fsync=off"]) as server:
        yield server


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    kept = Figures()
    yield kept
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB"
    print(f"\n\n{machine}, load {os.getloadavg()[0]:.1f}")
    table = [("figure", "measured", "target or floor", "ratio"), *kept.rows]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

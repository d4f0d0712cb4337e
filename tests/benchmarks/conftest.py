from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
import pytest


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

"""What the router adds to a backend without delay, everything on: key, registry, spool, event."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from support.environments import environment

if TYPE_CHECKING:
    from benchmarks.conftest import Figures

BODY = b'{"model": "mock-small", "messages": [{"role": "user", "content": "What is the capital of France?"}]}'
SEQUENTIAL, CONCURRENT, CONNECTIONS, ROUNDS = 300, 2000, 32, 3


async def send_one(session: aiohttp.ClientSession, url: str) -> float:
    started = time.perf_counter()
    async with session.post(f"{url}/v1/chat/completions", data=BODY) as answer:
        await answer.read()
        assert answer.status == 200
    return time.perf_counter() - started


async def measure(url: str, key: str) -> tuple[float, float]:
    """Median seconds of one call after another, and calls a second over many connections."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        alone = statistics.median([await send_one(session, url) for _ in range(SEQUENTIAL)])
        started = time.perf_counter()
        await asyncio.gather(*(send_one(session, url) for _ in range(CONCURRENT)))
        return alone, CONCURRENT / (time.perf_counter() - started)


def test_the_router_beside_its_backend(figures: Figures, tmp_path: Path) -> None:
    with environment(tmp_path) as line:
        line.run("org", "create", "acme")
        key = line.json("key", "issue", "--org", "acme")["secret"]
        ports = {name: line.component(name)["ports"]["main"] for name in ("router", "mock-model-1")}
        rounds = [
            [asyncio.run(measure(f"http://127.0.0.1:{ports[name]}", key)) for name in ("mock-model-1", "router")]
            for _ in range(ROUNDS)
        ]
    direct, through = ([statistics.median(r[side][n] for r in rounds) for n in (0, 1)] for side in (0, 1))
    added = (through[0] - direct[0]) * 1000
    figures.add_ratio(
        "router: added latency, median", f"{added:.2f} ms", f"direct {direct[0] * 1000:.2f} ms", through[0] / direct[0]
    )
    figures.add_ratio(
        f"router: calls/s over {CONNECTIONS} connections",
        f"{through[1]:.0f}",
        f"direct {direct[1]:.0f}",
        through[1] / direct[1],
    )

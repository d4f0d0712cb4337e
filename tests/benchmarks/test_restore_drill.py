"""A restore drill of 2 GB, and what its parts take."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aias_core.backup.drill import run_drill
from support.backups import Archiving, archiving_server, say_nothing

if TYPE_CHECKING:
    from benchmarks.conftest import Figures

BYTES = 2 * 1024**3
TARGET_SECONDS = 20
PARTS = {
    "copy": "decrypted and written",
    "recovery": "log replayed",
    "amcheck": "every page and index",
    "rows": "every row",
}
# About as wide as a usage fact; half of a row does not compress.
FILL = """
INSERT INTO facts SELECT g, gen_random_uuid(), now(), g % 1000, g * 150000::numeric, 'mock-small', md5(g::text)
    || md5((g * 7)::text) || md5((g * 11)::text) || md5((g * 13)::text) FROM generate_series({}, {}) g
"""
STEP = 1_000_000


@pytest.fixture
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archiving]:
    fast = ("--max_wal_size=4GB", "--synchronous_commit=off", "--shared_buffers=256MB", "--maintenance_work_mem=512MB")
    with archiving_server(tmp_path_factory.mktemp("large"), settings=fast) as found:
        found.execute(
            "CREATE TABLE facts (id bigint, event_id uuid, occurred_at timestamptz, tokens int, cost numeric(38,0), "
            "model text, digest text)",
            "analytics",
        )
        first = 1
        while size(found) < BYTES * 0.8:
            found.execute(FILL.format(first, first + STEP - 1), "analytics")
            first += STEP
        found.execute("CREATE UNIQUE INDEX facts_id_key ON facts (id)", "analytics")
        found.execute("CREATE UNIQUE INDEX facts_event_id_key ON facts (event_id)", "analytics")
        found.execute("CREATE INDEX facts_occurred_at_idx ON facts (occurred_at, tokens)", "analytics")
        found.execute("VACUUM ANALYZE facts", "analytics")
        yield found


def size(archiving: Archiving) -> int:
    found: int = archiving.read("SELECT pg_database_size('analytics')")[0][0]
    return found


def write_plainly(path: Path, count: int) -> float:
    """Seconds to write so many bytes that do not compress, without waiting for the disk."""
    block = os.urandom(1024**2)
    began = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(count // len(block)):
            file.write(block)
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def test_restore_drill(figures: Figures, large: Archiving) -> None:
    gigabytes = size(large) / 1024**3
    assert gigabytes >= 2
    began = time.perf_counter()
    created = large.back_up()
    seconds = time.perf_counter() - began
    stored = created.manifest.bytes / 1024**3
    figures.add_ratio(
        f"backup of {gigabytes:.1f} GiB, read back", f"{seconds:.1f} s", f"{stored:.1f} GiB stored", stored / gigabytes
    )
    os.sync()
    floor = write_plainly(large.site.home / "floor", size(large))
    drill = run_drill(large.site, None, None, say_nothing)
    assert drill.rows_compared
    figures.add_time(f"restore drill of {gigabytes:.1f} GiB, {drill.rows:,} rows", drill.rto_seconds, TARGET_SECONDS)
    for part, what in PARTS.items():
        share = drill.seconds[part] / drill.rto_seconds
        figures.add_ratio(f"  {part}: {what}", f"{drill.seconds[part]:.1f} s", f"{os.cpu_count()} cores", share)
    figures.add_ratio(
        "  copy beside the same bytes written plainly",
        f"{drill.seconds['copy']:.1f} s",
        f"{floor:.1f} s",
        drill.seconds["copy"] / floor,
    )

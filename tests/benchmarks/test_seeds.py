"""Made-up usage beside a COPY of the same facts and receipts into the same tables, on one connection."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from aias_core.database.connection import connect
from aias_core.secret import Secret
from aias_core.seeds.run import Site
from support.seeding import make_site, run_seed

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

EVENTS = 200_000
TABLES = ("event_receipts", "usage_facts")


def test_seeding_usage(figures: Figures, postgres_server: PostgresServer, tmp_path: Path) -> None:
    site, empty = (make_site(postgres_server, tmp_path / name) for name in ("made", "copied"))
    started = time.perf_counter()
    run_seed(site, "bench", events=EVENTS, days=20)
    made = EVENTS / (time.perf_counter() - started)
    source, target = (postgres_server.superuser(name_of(place)) for place in (site, empty))
    floor = EVENTS / copy_rows(source, target)
    measured, copied = f"{made:,.0f} events/s", f"COPY {floor:,.0f} events/s"
    figures.add_ratio("seeding of usage with receipts", measured, copied, made / floor)


def name_of(site: Site) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(site.analytics.dsn.reveal())["dbname"])


def copy_rows(made: Secret, empty: Secret) -> float:
    """Seconds of a COPY into tables with the same indexes and checks; only a superuser may, past row security."""
    with connect(made) as source, connect(empty) as target:
        rows = {}
        for table in TABLES:
            with source.cursor().copy(f"COPY (SELECT * FROM aias.{table} ORDER BY event_id) TO STDOUT".encode()) as out:
                rows[table] = b"".join(out)
        target.execute("SELECT aias.ensure_month_partitions(now() - interval '2 months', 4)")
        started = time.perf_counter()
        for table in TABLES:
            with target.cursor().copy(f"COPY aias.{table} FROM STDIN".encode()) as copy:
                copy.write(rows[table])
        target.commit()
        return time.perf_counter() - started

"""A hundred small migrations beside dbmate, Alembic and yoyo, each as a user starts it, on one server in one run."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from aias_core.migrate.runner import MigrationRun, RunOptions, migrate
from aias_core.migrate.target import Target
from support.migrations import ALONE, invalid_indexes, statuses_of, write_migration

if TYPE_CHECKING:
    from benchmarks.conftest import Figures
    from support.servers import PostgresServer

FILES, RUNS = 100, 3
RUNNERS, REPETITIONS = 16, 50
READER_SECONDS = 60
BIN = Path(sys.executable).parent
UP = "CREATE TABLE t{n} (id bigint PRIMARY KEY, name text NOT NULL);"


def name_of(number: int) -> str:
    return f"20261001{number // 60:02}{number % 60:02}"


def prepare_ours(directory: Path) -> None:
    for number in range(FILES):
        write_migration(directory, name_of(number), f"t{number}", UP.format(n=number), f"DROP TABLE t{number};")


def prepare_dbmate(directory: Path) -> None:
    directory.mkdir()
    for number in range(FILES):
        text = f"-- migrate:up\n{UP.format(n=number)}\n-- migrate:down\nDROP TABLE t{number};\n"
        (directory / f"{name_of(number)}00_t{number}.sql").write_text(text)


def prepare_yoyo(directory: Path) -> None:
    directory.mkdir()
    for number in range(FILES):
        (directory / f"{name_of(number)}.t{number}.sql").write_text(UP.format(n=number))


def prepare_alembic(directory: Path, dsn: str) -> None:
    (directory / "versions").mkdir(parents=True)
    (directory / "env.py").write_text(
        "from alembic import context\nfrom sqlalchemy import create_engine\n"
        f"with create_engine({dsn!r}).connect() as connection:\n"
        "    context.configure(connection=connection)\n"
        "    with context.begin_transaction():\n        context.run_migrations()\n"
    )
    (directory.parent / "alembic.ini").write_text(f"[alembic]\nscript_location = {directory}\n")
    for number in range(FILES):
        previous = repr(f"r{number - 1}") if number else "None"
        (directory / "versions" / f"r{number}.py").write_text(
            f"from alembic import op\nrevision = 'r{number}'\ndown_revision = {previous}\n"
            f"def upgrade():\n    op.execute({UP.format(n=number)!r})\n"
        )


def seconds_of(argv: list[str], **variables: str) -> float:
    """How long a program takes; one in Python keeps its bytecode, as it does where it was installed."""
    environment = {**os.environ, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - started


def measure(run: Callable[[str], float], postgres_server: PostgresServer) -> tuple[float, float]:
    """Median seconds to apply everything to an empty database, and to find that nothing is to do."""
    full, empty = [], []
    for _ in range(RUNS):
        database = postgres_server.empty()
        full.append(run(database))
        empty.append(run(database))
    return statistics.median(full), statistics.median(empty)


def test_a_hundred_migrations(figures: Figures, postgres_server: PostgresServer, tmp_path: Path) -> None:
    def url(database: str, driver: str = "postgresql") -> str:
        return postgres_server.superuser(database).reveal().replace("postgresql", driver, 1)

    prepare_ours(tmp_path / "ours")
    prepare_dbmate(tmp_path / "dbmate")
    prepare_yoyo(tmp_path / "yoyo")

    def run_ours(database: str) -> float:
        argv = [str(BIN / "aias"), "db", "migrate", "--database", "operational", "--yes", "--quiet"]
        dsn = postgres_server.dsn(database, "aias_migrator").reveal()
        return seconds_of([*argv, "--directory", str(tmp_path / "ours")], AIAS_OPERATIONAL_DSN=dsn)

    def run_dbmate(database: str) -> float:
        argv = [str(BIN / "dbmate"), "--no-dump-schema", "-d", str(tmp_path / "dbmate"), "migrate"]
        return seconds_of(argv, DATABASE_URL=url(database, "postgres"))

    def run_yoyo(database: str) -> float:
        argv = [str(BIN / "yoyo"), "apply", "--batch", "--no-config-file"]
        return seconds_of([*argv, "--database", url(database, "postgresql+psycopg"), str(tmp_path / "yoyo")])

    def run_alembic(database: str) -> float:
        directory = tmp_path / database
        prepare_alembic(directory / "alembic", url(database, "postgresql+psycopg"))
        return seconds_of([str(BIN / "alembic"), "-c", str(directory / "alembic.ini"), "upgrade", "head"])

    ours, nothing = measure(run_ours, postgres_server)
    peer, peer_nothing = measure(run_dbmate, postgres_server)
    figures.add_time("100 migrations, as a process", ours, 0.5)
    figures.add_ratio("100 migrations beside dbmate", f"{ours:.2f} s", f"dbmate {peer:.2f} s, <= 2.5", ours / peer)
    figures.add_time("nothing to do, as a process", nothing, 0.15)
    figures.add_ratio(
        "nothing to do beside dbmate", f"{nothing:.2f} s", f"dbmate {peer_nothing:.2f} s", nothing / peer_nothing
    )
    other, idle = measure(run_yoyo, postgres_server)
    figures.add_ratio("100 migrations beside yoyo", f"{ours:.2f} s", f"yoyo {other:.2f} s", ours / other)
    figures.add_ratio("nothing to do beside yoyo", f"{nothing:.2f} s", f"yoyo {idle:.2f} s", nothing / idle)
    alembic = statistics.median(run_alembic(postgres_server.empty()) for _ in range(RUNS))
    figures.add_ratio("100 migrations beside Alembic", f"{ours:.2f} s", f"Alembic {alembic:.2f} s", ours / alembic)


def _run(target: Target) -> MigrationRun:
    return migrate(target, RunOptions(lock_wait_seconds=120))


def test_sixteen_runners_at_once(figures: Figures, postgres_server: PostgresServer, tmp_path: Path) -> None:
    prepare_ours(tmp_path / "files")
    for number in range(0, FILES, FILES // 5):
        up = f"{ALONE}{UP.format(n=number)}\nCREATE INDEX CONCURRENTLY t{number}_name_idx ON t{number} (name);"
        write_migration(tmp_path / "files", name_of(number), f"t{number}", up, f"DROP TABLE t{number};")
    good = 0
    for _ in range(REPETITIONS):
        dsn = postgres_server.dsn(postgres_server.empty(), "aias_migrator")
        target = Target("x", dsn, tmp_path / "files")
        with ProcessPoolExecutor(RUNNERS, multiprocessing.get_context("fork")) as pool:
            counts = sorted(len(run.versions) for run in pool.map(_run, [target] * RUNNERS))
        applied_once = counts == [0] * (RUNNERS - 1) + [FILES] and set(statuses_of(dsn).values()) == {"applied"}
        good += applied_once and invalid_indexes(dsn) == 0
    figures.add_ratio(
        "16 runners at once: exactly one applies", f"{good} times", f"{REPETITIONS} times", good / REPETITIONS
    )


@contextmanager
def bystander(target: Target, taken: list[float]) -> Iterator[None]:
    stop = threading.Event()

    def repeat() -> None:
        with psycopg.connect(target.dsn.reveal(), autocommit=True) as connection:
            connection.execute("SET ROLE aias_owner")
            while not stop.is_set():
                started = time.perf_counter()
                connection.execute("SELECT count(*) FROM t0")
                taken.append(time.perf_counter() - started)

    worker = threading.Thread(target=repeat)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def test_the_stall_of_a_bystander(figures: Figures, postgres_server: PostgresServer, tmp_path: Path) -> None:
    target = Target("x", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), tmp_path / "files")
    write_migration(tmp_path / "files", name_of(0), "t0", UP.format(n=0), "DROP TABLE t0;")
    migrate(target)
    write_migration(tmp_path / "files", name_of(1), "t1", "ALTER TABLE t0 ADD COLUMN note text;", "SELECT 1;")
    taken: list[float] = []
    with psycopg.connect(target.dsn.reveal()) as reader, bystander(target, taken):
        reader.execute("SET ROLE aias_owner")
        reader.execute("SELECT count(*) FROM t0")
        release = threading.Timer(READER_SECONDS, reader.rollback)
        release.start()
        run = migrate(target)
        release.join()
    assert run.versions
    figures.add_time("longest stall of a bystander beside a 60 s reader", max(taken), 0.25)
    figures.add_time("the same as the run reports it", run.longest_stall_ms / 1000, 0.25)

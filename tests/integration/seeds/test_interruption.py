"""A seed that is killed leaves all of a package or nothing of it in a database; the next run does the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.bootstrap import DATABASES
from support.environments import CommandLine
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@pytest.fixture
def names(postgres_server: PostgresServer) -> dict[str, str]:
    return {database: postgres_server.clone(database) for database in DATABASES}


@pytest.fixture
def line(postgres_server: PostgresServer, names: dict[str, str], tmp_path: Path) -> CommandLine:
    return CommandLine(
        tmp_path,
        {
            f"AIAS_{database.upper()}_DSN": postgres_server.dsn(name, "aias_migrator").reveal()
            for database, name in names.items()
        },
    )


def count(connection: psycopg.Connection, statement: str, *parameters: object) -> int:
    row = connection.execute(statement.encode(), parameters).fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize(
    ("database", "table", "organizations"),
    [("operational", "budgets", 0), ("operational", "model_prices", 0), ("analytics", "ingest_batches", 2)],
)
def test_a_killed_run_is_finished_by_the_next(
    postgres_server: PostgresServer,
    names: dict[str, str],
    line: CommandLine,
    database: str,
    table: str,
    organizations: int,
) -> None:
    dsn = postgres_server.superuser(names[database]).reveal()
    with psycopg.connect(dsn) as blocker, psycopg.connect(dsn, autocommit=True) as watcher:
        blocker.execute(f"LOCK TABLE aias.{table} IN ACCESS EXCLUSIVE MODE".encode())
        argv = [sys.executable, "-m", "aias_cli", "db", "seed", "--package", "local-dev"]
        process = subprocess.Popen(argv, cwd=line.directory, env={**os.environ, **line.variables})
        wait_until(lambda: count(watcher, WAITING, names[database]) == 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with (
        psycopg.connect(postgres_server.superuser(names["operational"]).reveal(), autocommit=True) as operational,
        psycopg.connect(postgres_server.superuser(names["analytics"]).reveal(), autocommit=True) as analytics,
    ):
        wait_until(lambda: not count(operational, OTHERS, names["operational"]))
        wait_until(lambda: not count(analytics, OTHERS, names["analytics"]))
        assert count(operational, "SELECT count(*) FROM aias.organizations") == organizations
        assert count(analytics, "SELECT count(*) FROM aias.event_receipts") == 0
        for run in ("resumed", "second", "third"):
            done = line.json("db", "seed", "--package", "local-dev")
            counts = {t["table"]: t["inserted"] + t["unchanged"] for t in done["tables"]}
            assert (counts["organizations"], counts["users"], counts["usage_facts"]) == (2, 6, 360), run
            assert run == "resumed" or not any(t["inserted"] or t["updated"] for t in done["tables"])
        assert count(operational, "SELECT count(*) FROM aias.organizations") == 2
        assert count(analytics, "SELECT count(*) FROM aias.event_receipts") == 360
        assert count(analytics, "SELECT count(*) FROM aias.usage_facts") == 360


def test_two_at_once_leave_what_one_leaves(names: dict[str, str], line: CommandLine) -> None:
    argv = [sys.executable, "-m", "aias_cli", "db", "seed", "--package", "local-dev", "-o", "json"]
    runs = [
        subprocess.Popen(argv, cwd=line.directory, env={**os.environ, **line.variables}, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [run.wait() for run in runs] == [0, 0]
    done = line.json("db", "seed", "--package", "local-dev")
    assert not any(t["inserted"] or t["updated"] for t in done["tables"])


def test_secrets_are_shown_only_when_asked_for(line: CommandLine) -> None:
    silent = line.run("db", "seed", "--package", "local-dev")
    shown = line.json("db", "seed", "--package", "local-dev", "--print-credentials")["credentials"]
    again = line.json("db", "seed", "--package", "local-dev", "--print-credentials")["credentials"]
    assert shown == again
    assert len(shown) == 7
    assert not any(credential["secret"] in silent.stdout + silent.stderr for credential in shown)
    assert {credential["variable"] for credential in shown} >= {"AIAS_SEED_DEV_ORG_OWNER"}


@pytest.mark.parametrize("environment", ["production", "system"])
@pytest.mark.parametrize("argv", [[], ["--reset"], ["--package", "bench"]], ids=" ".join)
def test_production_is_refused_with_6_and_no_override(line: CommandLine, environment: str, argv: list[str]) -> None:
    own = line.directory / "profiles"
    own.mkdir()
    (own / f"{environment}.yaml").write_text("extends: local\n")
    fault = line.fault("--env", environment, "--config", str(own), "--yes", "db", "seed", *argv, code=6)
    assert fault["code"] == "refused"


def test_reset_asks_first(line: CommandLine) -> None:
    line.run("db", "seed", "--package", "ci")
    line.fault("db", "seed", "--package", "ci", "--reset", code=6)
    removed = line.json("db", "seed", "--package", "ci", "--reset", "--yes")["tables"]
    assert {t["table"]: t["removed"] for t in removed}["usage_facts"] == 360

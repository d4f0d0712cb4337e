from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.glance import glance
from aias_core.migrate.history import glance_history, read_history
from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from aias_core.secret import Secret

if TYPE_CHECKING:
    from support.servers import PostgresServer

NO_OP = """
import sys
from aias_cli.main import run
status = run(sys.argv[1:])
loaded = [name for name in ("psycopg", "pydantic", "rich", "pglast") if name in sys.modules]
sys.exit(f"loaded {loaded}" if loaded else status)
"""


def test_a_glance_gives_rows_as_text(postgres_server: PostgresServer) -> None:
    with glance(postgres_server.superuser()) as look:
        assert look is not None
        assert look(
            "SELECT 1, NULL, 'é', '2026-10-01T00:00:00+02:00'::timestamptz UNION ALL SELECT 2, 'b', '', NULL"
        ) == [
            ("1", None, "é", "2026-09-30 22:00:00+00"),
            ("2", "b", "", None),
        ]
        assert look("SELECT nonsense") is None
        assert look("SELECT 1") == [("1",)]


@pytest.mark.parametrize(
    "dsn", ["postgresql://nobody:wrong@127.0.0.1:1/x", "not an address"], ids=["nobody listens", "not an address"]
)
def test_a_glance_gives_nothing_when_there_is_no_connection(dsn: str) -> None:
    with glance(Secret(dsn)) as look:
        assert look is None


def test_a_glance_sees_the_history_that_the_driver_sees(postgres_server: PostgresServer, migrations: Path) -> None:
    target = Target("x", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), migrations)
    assert glance_history(target.dsn) == []
    migrate(target)
    with psycopg.connect(target.dsn.reveal(), options="-c TimeZone=UTC") as connection:
        assert glance_history(target.dsn) == read_history(connection) != []


def test_nothing_to_do_is_found_without_what_it_does_not_need(
    postgres_server: PostgresServer, migrations: Path
) -> None:
    target = Target("operational", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), migrations)
    migrate(target)
    argv = ["db", "migrate", "--database", "operational", "--directory", str(migrations), "--quiet", "-o", "json"]
    environment = {"AIAS_OPERATIONAL_DSN": target.dsn.reveal(), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", NO_OP, *argv], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"runs": []' in done.stdout

"""A whole environment loses its rows, and then itself, and gets them back."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from aias_core.environments.local.credentials import Credentials
from support.environments import CommandLine, environment


def test_rows_come_back_to_the_second_and_from_a_lost_environment(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with environment(place) as line:
        line.run("org", "create", "before")
        kept = tmp_path / "kept"
        assert line.fault("db", "restore", code=4)["hint"].endswith("aias db backup create")
        line.json("db", "backup", "create", "--to", str(kept))
        line.json("db", "backup", "create", "--to", "s3://aias-exports/backups")
        line.json("db", "backup", "create")
        line.run("org", "create", "after")
        moment = execute(line, 'SELECT to_char(clock_timestamp(), \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')')
        execute(line, "DELETE FROM aias.organizations WHERE slug IN ('before', 'after') RETURNING 1")
        assert slugs(line).isdisjoint({"before", "after"})
        assert line.fault("db", "restore", "--to-time", moment, "--promote", "--no-input", code=6)
        restored = line.json("db", "restore", "--to-time", moment, "--promote", "--yes")
        assert restored["promoted"] is True
        line.run("env", "up")
        assert slugs(line) >= {"before", "after"}
        drill = line.json("db", "restore-drill", "--from", "s3://aias-exports/backups", "--max-rpo", "900")
        assert drill["rows_compared"] is True
        assert line.fault("db", "restore-drill", "--max-rto", "0.001", code=11)
        shutil.copy(place / ".aias/demo/secrets/backup-key", tmp_path / "key")
        line.run("env", "down", "--volumes", "--yes")
        assert line.fault("db", "backup", "list", code=3)
        line.run("env", "up")
        assert slugs(line) == set()
        assert line.fault("db", "restore", "--from", str(kept), code=10)["message"].count("key")
        line.variables["AIAS_BACKUP_KEY_FILE"] = str(tmp_path / "key")
        line.json("db", "restore", "--from", str(kept), "--promote", "--yes")
        line.run("env", "up")
        assert slugs(line) == {"before"}


def slugs(line: CommandLine) -> set[str]:
    return {org["slug"] for org in line.json("org", "list")["data"]}


def execute(line: CommandLine, statement: str) -> str:
    state = line.directory / ".aias" / "demo"
    password = Credentials(state / "secrets").superuser_password.reveal()
    port = line.component("postgres")["ports"]["main"]
    dsn = f"postgresql://postgres:{password}@127.0.0.1:{port}/operational"
    with psycopg.connect(dsn, autocommit=True) as connection:
        return str(connection.execute(statement.encode()).fetchall()[0][0])

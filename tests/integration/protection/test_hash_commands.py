from __future__ import annotations

import base64
import hmac
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aias_core.database.connection import connect
from aias_core.protection.data_keys import register_active_keys
from support.environments import CommandLine
from support.keys import make_data_keys, make_key, make_variables

if TYPE_CHECKING:
    from support.servers import PostgresServer

KEYS = make_data_keys()


@pytest.fixture
def line(tmp_path: Path, postgres_server: PostgresServer, operational: str) -> CommandLine:
    dsn = postgres_server.dsn(operational, "aias_migrator")
    with connect(dsn) as connection:
        register_active_keys(connection, KEYS)
    return CommandLine(tmp_path, {"AIAS_OPERATIONAL_DSN": dsn.reveal(), **make_variables(KEYS)})


def test_an_address_comes_on_stdin_and_its_digest_is_the_documented_one(line: CommandLine) -> None:
    argv = [sys.executable, "-m", "aias_cli", "db", "hash", "email", "-o", "csv"]
    done = subprocess.run(
        argv, input="Ana@Example.org\n", env=line.variables, cwd=line.directory, capture_output=True, text=True
    )
    digest = hmac.digest(KEYS.hashing.by_id["e1"], b"ana@example.org", "sha256").hex()
    assert done.stdout == f"kid,active,hex\ne1,yes,{digest}\n"
    assert "ana" not in done.stderr.lower()


def test_an_address_is_never_an_argument(line: CommandLine) -> None:
    line.fault("db", "hash", "email", code=2)
    assert "unexpected extra argument" in line.fault("db", "hash", "email", "ana@example.org", code=2)["message"]


def test_keys_that_are_right_end_with_0_and_others_with_3(line: CommandLine) -> None:
    keys = line.json("db", "hash", "check-keys")["keys"]
    assert {key["verdict"] for key in keys} == {"right"}
    other = CommandLine(line.directory, {**line.variables, **make_variables(make_data_keys())})
    assert other.fault("db", "hash", "check-keys", code=3)["code"] == "wrong_key"


@pytest.mark.parametrize("variable", ["AIAS_DATA_HASH_KEYS", "AIAS_DATA_ENCRYPTION_KEYS"])
@pytest.mark.parametrize("command", [["check-keys"], ["email"], ["rotate", "--from", "e1", "--to", "e2"]], ids=" ".join)
def test_a_weak_key_ends_with_6_and_is_named_not_shown(line: CommandLine, variable: str, command: list[str]) -> None:
    weak = base64.b64encode(bytes(range(32))).decode()
    variables = {**line.variables, variable: f"{line.variables[variable]},w1:{weak}"}
    done = CommandLine(line.directory, variables).run("db", "hash", *command, code=6)
    assert "'w1'" in done.stderr
    assert variable in done.stderr
    assert weak not in done.stdout + done.stderr


def test_keys_may_come_from_a_file_with_one_on_a_line(line: CommandLine) -> None:
    path = line.directory / "keys"
    path.write_text("\n".join([*line.variables["AIAS_DATA_HASH_KEYS"].split(","), make_key("e2")]) + "\n")
    variables = {name: value for name, value in line.variables.items() if name != "AIAS_DATA_HASH_KEYS"}
    keys = CommandLine(line.directory, {**variables, "AIAS_DATA_HASH_KEYS_FILE": str(path)}).json(
        "db", "hash", "check-keys"
    )["keys"]
    assert [key["kid"] for key in keys] == ["c1", "e1", "e2", "k1"]

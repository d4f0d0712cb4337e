from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.protection.policy import check_policy, check_shipped_policy, default_path, load_policy

if TYPE_CHECKING:
    from support.servers import PostgresServer

DATABASES = ["operational", "analytics"]


@pytest.fixture
def edited(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    old, new = request.param
    text = default_path().read_text()
    assert text.count(old) == 1
    path = tmp_path / "data-policy.yaml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("database", DATABASES)
def test_the_shipped_policy_says_something_of_every_column(postgres_server: PostgresServer, database: str) -> None:
    with psycopg.connect(postgres_server.superuser(postgres_server.clone(database)).reveal()) as connection:
        assert check_policy(connection, database, load_policy()) == []


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("ALTER TABLE aias.users ADD COLUMN born_on date", ("users", "born_on", "column without policy")),
        ("CREATE TABLE aias.notes (text text)", ("notes", "text", "column without policy")),
        ("ALTER TABLE aias.users DROP COLUMN locale CASCADE", ("users", "locale", "policy without column")),
    ],
    ids=["new-column", "new-table", "lost-column"],
)
def test_a_database_that_departs_from_the_policy_is_found(
    postgres_server: PostgresServer, operational: str, statement: str, finding: tuple[str, str, str]
) -> None:
    with psycopg.connect(postgres_server.superuser(operational).reveal()) as connection:
        connection.execute(statement.encode())
        found = check_policy(connection, "operational", load_policy())
    assert [(f.table, f.column, f.problem) for f in found] == [finding]


@pytest.mark.parametrize(
    ("edited", "finding"),
    [
        (
            ("password_hash: restricted/hash", "password_hash: restricted"),
            ("password_hash", "restricted without protection"),
        ),
        ((', why: "one row per package; removed with --reset"', ""), ("*", "0 days without explanation")),
        (("clock: window_start", "clock: nope"), ("*", "retention by a column that is not there: nope")),
        (
            ("user: api_keys.user_id}", "user: api_keys.nope}"),
            ("*", "subject by a column that is not there: api_keys.nope"),
        ),
    ],
    indirect=["edited"],
    ids=["unprotected", "unexplained", "no-clock", "no-subject"],
)
def test_what_a_policy_leaves_unsaid_is_found_on_a_scratch_server(edited: Path, finding: tuple[str, str]) -> None:
    assert [(f.column, f.problem) for f in check_shipped_policy(["operational"], edited)] == [finding]

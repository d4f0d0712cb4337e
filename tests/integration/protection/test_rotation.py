"""The key of e-mail hashes changes beside writers and readers: nobody is entered twice, nobody is not found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import ids
from aias_core.database.connection import connect
from aias_core.errors import Conflict, InvalidInput, NotFound
from aias_core.keyring import Undecipherable, UnknownKey
from aias_core.protection.data_keys import (
    DataKeys,
    WrongKey,
    check_keys,
    hash_for_all_keys,
    refuse_wrong,
    register_active_keys,
    register_key,
)
from aias_core.protection.rotation import Rotation, rotate_email_key
from aias_core.secret import Secret
from support.environments import CommandLine
from support.keys import enter_person, make_data_keys, make_setting, make_variables
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer

KEYS = make_data_keys("e2", "e3")
PEOPLE = 250


@pytest.fixture
def dsn(postgres_server: PostgresServer, operational: str) -> Secret:
    """A database with people whose addresses are hashed under one key."""
    dsn = postgres_server.dsn(operational, "aias_identity")
    with connect(dsn, autocommit=True) as connection:
        register_active_keys(connection, KEYS)
        for number in range(PEOPLE):
            enter_person(connection, KEYS, f"person-{number}@example.org")
    return postgres_server.dsn(operational, "aias_migrator")


@pytest.fixture
def store(dsn: Secret) -> Iterator[psycopg.Connection]:
    with connect(dsn, autocommit=True) as connection:
        yield connection


def is_found(connection: psycopg.Connection, email: str) -> bool:
    """Looks up under every live key, as a service does."""
    digests = [KEYS.hash_email(email, kid) for kid in ("e1", "e2")]
    query = "SELECT aias.find_user_by_email(%s, %s)"
    return any(connection.execute(query, digest).fetchone() != (None,) for digest in digests)


def count(connection: psycopg.Connection, what: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {what}".encode()).fetchone()
    assert row
    return int(row[0])


def rotate(connection: psycopg.Connection, to_kid: str = "e2", keys: DataKeys = KEYS, batch: int = 40) -> Rotation:
    return rotate_email_key(connection, keys, Rotation("e1", to_kid), lambda _: None, batch)


def test_everybody_gets_a_digest_under_the_new_key_which_becomes_the_active_one(store: psycopg.Connection) -> None:
    done = rotate(store)
    assert (done.added, done.missing) == (PEOPLE, 0)
    assert count(store, "aias.user_email_hashes WHERE kid = 'e2'") == PEOPLE
    assert store.execute("SELECT kid, status FROM aias.hash_keys WHERE purpose = 'email' ORDER BY kid").fetchall() == [
        ("e1", "accepting"),
        ("e2", "active"),
    ]
    kid, digest = KEYS.hash_email("PERSON-7@example.org", "e2")
    assert store.execute("SELECT aias.find_user_by_email(%s, %s)", [kid, digest]).fetchone() != (None,)
    assert (rotate(store).added, rotate(store).rotation_id) == (0, None)


def test_beside_writers_nobody_is_entered_twice_and_nobody_is_missed(
    dsn: Secret, postgres_server: PostgresServer, operational: str
) -> None:
    stop, entered, refused, lost = threading.Event(), [], [], []
    identity = postgres_server.dsn(operational, "aias_identity")

    def write(name: int) -> None:
        with connect(identity, autocommit=True) as connection:
            number = 0
            while not stop.is_set():
                enter_person(connection, KEYS, email := f"new-{name}-{number}@example.org")
                entered.append(email)
                try:
                    enter_person(connection, KEYS, f"person-{number % PEOPLE}@example.org")
                except psycopg.errors.UniqueViolation:
                    refused.append(number)
                number += 1

    def read() -> None:
        with connect(identity, autocommit=True) as connection:
            number = 0
            while not stop.is_set():
                if not is_found(connection, email := f"person-{number % PEOPLE}@example.org"):
                    lost.append(email)
                number += 1

    threads = [
        threading.Thread(target=write, args=[0]),
        threading.Thread(target=write, args=[1]),
        threading.Thread(target=read),
    ]
    for thread in threads:
        thread.start()
    with connect(dsn, autocommit=True) as connection:
        wait_until(lambda: len(entered) > 20)
        rotate(connection, batch=5)
        already = len(entered)
        wait_until(lambda: len(entered) > already + 20)
        stop.set()
        for thread in threads:
            thread.join()
        assert lost == []
        people = PEOPLE + len(entered)
        assert count(connection, "aias.users") == people
        assert len(refused) > 40
        for kid in ("e1", "e2"):
            assert count(connection, f"aias.user_email_hashes WHERE kid = '{kid}'") == people


def test_a_rotation_waits_for_a_writer_that_does_not_know_the_new_key(dsn: Secret) -> None:
    with connect(dsn) as writer, connect(dsn, autocommit=True) as watcher:
        digests = hash_for_all_keys(writer, KEYS, "slow@example.org")
        assert set(digests) == {"e1"}

        def run() -> None:
            with connect(dsn, autocommit=True) as connection:
                rotate(connection)

        thread = threading.Thread(target=run)
        thread.start()
        waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        wait_until(lambda: count(watcher, waiting) == 1)
        user_id = ids.new_id()
        kid, sealed = KEYS.seal_email("slow@example.org", user_id)
        writer.execute(
            "INSERT INTO aias.users (user_id, email_ciphertext, email_enc_kid) VALUES (%s, %s, %s)",
            [user_id, sealed, kid],
        )
        writer.execute("INSERT INTO aias.user_email_hashes VALUES ('e1', %s, %s)", [digests["e1"], user_id])
        writer.commit()
        thread.join()
        assert count(watcher, "aias.user_email_hashes WHERE kid = 'e2'") == PEOPLE + 1
        assert set(hash_for_all_keys(watcher, KEYS, "next@example.org")) == {"e1", "e2"}


def test_a_killed_rotation_goes_on_where_it_was(dsn: Secret, tmp_path: Path, store: psycopg.Connection) -> None:
    settings = {"AIAS_OPERATIONAL_DSN": dsn.reveal(), **make_variables(KEYS)}
    row = store.execute("SELECT user_id FROM aias.users ORDER BY user_id OFFSET 125 LIMIT 1").fetchone()
    argv = ["db", "hash", "rotate", "--from", "e1", "--to", "e2", "--batch", "10"]
    with connect(dsn) as blocker:
        blocker.execute("UPDATE aias.users SET locale = 'de' WHERE user_id = %s", row)
        process = subprocess.Popen(
            [sys.executable, "-m", "aias_cli", *argv], cwd=tmp_path, env={**os.environ, **settings}
        )
        waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        wait_until(lambda: count(store, waiting) == 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: count(store, "pg_stat_activity WHERE datname = current_database()") == 1)
    assert count(store, "aias.user_email_hashes WHERE kid = 'e2'") == 120
    assert store.execute("SELECT rows_done, finished_at FROM aias.hash_rotations").fetchone() == (120, None)
    line = CommandLine(tmp_path, settings)
    done = line.json(*argv)
    assert (done["added"], done["rows_done"], done["missing"]) == (PEOPLE - 120, PEOPLE, 0)
    assert count(store, "aias.user_email_hashes WHERE kid = 'e2'") == PEOPLE
    assert count(store, "aias.hash_rotations WHERE finished_at IS NOT NULL") == 1
    assert line.json(*argv)["added"] == 0


def test_who_is_erased_meanwhile_gets_no_digest(store: psycopg.Connection) -> None:
    store.execute(
        "UPDATE aias.users SET deleted_at = now() - interval '40 days' WHERE user_id IN "
        "(SELECT user_id FROM aias.users ORDER BY user_id LIMIT 10)"
    )
    store.execute("SELECT aias.anonymize_users(now(), 100)")
    assert rotate(store).added == PEOPLE - 10
    assert count(store, "aias.user_email_hashes h JOIN aias.users u USING (user_id) WHERE u.status = 'erased'") == 0


@pytest.mark.parametrize(
    ("from_kid", "to_kid", "error"),
    [
        ("e1", "e1", InvalidInput),
        ("e9", "e2", NotFound),
        ("k1", "e2", NotFound),
        ("e1", "e9", UnknownKey),
        ("e1", "k1", WrongKey),
    ],
)
def test_what_cannot_be_rotated_changes_nothing(
    store: psycopg.Connection, from_kid: str, to_kid: str, error: type[Exception]
) -> None:
    before = store.execute("SELECT * FROM aias.hash_keys ORDER BY kid").fetchall()
    with pytest.raises(error):
        rotate_email_key(store, KEYS, Rotation(from_kid, to_kid), lambda _: None)
    assert store.execute("SELECT * FROM aias.hash_keys ORDER BY kid").fetchall() == before


def test_a_wrong_encryption_key_ends_it_before_it_writes(store: psycopg.Connection) -> None:
    wrong = replace(KEYS, encryption=make_data_keys().encryption)
    with pytest.raises(Undecipherable):
        rotate(store, keys=wrong)
    assert count(store, "aias.user_email_hashes WHERE kid = 'e2'") == 0
    assert rotate(store).added == PEOPLE


def test_an_address_that_two_people_have_is_told(store: psycopg.Connection) -> None:
    first, second = (row[0] for row in store.execute("SELECT user_id FROM aias.users LIMIT 2"))
    sealed = KEYS.seal_email(" PERSON-0@example.org", second)[1]
    store.execute("UPDATE aias.users SET email_ciphertext = %s WHERE user_id = %s", [sealed, second])
    store.execute(
        "UPDATE aias.users SET email_ciphertext = %s WHERE user_id = %s",
        [KEYS.seal_email("person-0@example.org", first)[1], first],
    )
    with pytest.raises(Conflict, match="somebody else"):
        rotate(store)


def test_the_database_knows_its_keys(store: psycopg.Connection) -> None:
    checks = {c.kid: (c.purpose, c.status, c.verdict) for c in check_keys(store, KEYS)}
    assert checks == {
        "c1": ("encryption", "active", "right"),
        "e1": ("email", "active", "right"),
        "e2": (None, "unregistered", "unregistered"),
        "e3": (None, "unregistered", "unregistered"),
        "k1": ("api_key", "active", "right"),
    }
    others = make_data_keys()
    wrong = check_keys(store, others)
    assert {c.verdict for c in wrong} == {"wrong"}
    with pytest.raises(WrongKey, match="'c1' is wrong"):
        refuse_wrong(wrong)
    fewer = DataKeys.parse(make_setting("x1"), make_setting("x2"), "email:x1")
    with pytest.raises(WrongKey, match="'e1' is missing"):
        refuse_wrong(check_keys(store, fewer))


def test_a_writer_without_a_live_key_is_stopped(store: psycopg.Connection) -> None:
    register_key(store, KEYS, "email", "e2")
    old = make_data_keys()
    with pytest.raises(WrongKey, match="'e2' is in use and not given"), store.transaction():
        hash_for_all_keys(store, old, "ana@example.org")

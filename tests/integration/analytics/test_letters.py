from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.ingest import letters
from aias_core.analytics.ingest.letters import (
    LetterFilter,
    count_letters,
    drop_letters,
    list_letters,
    replay_letters,
    show_letter,
)
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.contracts import usage
from aias_core.database.connection import connect
from aias_core.errors import NotFound
from support.events import ORG, make_event
from support.killing import run_and_die
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer


def open_ids(store: psycopg.Connection, reason: str | None = None) -> list[uuid.UUID]:
    return [letter["letter_id"] for letter in list_letters(store, LetterFilter(reason=reason))]


def facts(store: psycopg.Connection) -> list[Any]:
    return store.execute("SELECT event_id FROM aias.usage_facts").fetchall()


def ahead_of_its_time(store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> usage.UsageEvent:
    """An event refused as of the future, in a time when that future has come."""
    event = make_event(at=clock.now() + timedelta(minutes=6))
    ingest_lines(store, [usage.encode(event)], "test")
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    return event


def test_a_replay_stores_what_is_acceptable_now(store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    event = ahead_of_its_time(store, monkeypatch)
    [letter] = open_ids(store, "future")
    assert replay_letters(store, [letter]) == [{"letter_id": letter, "verdict": "accepted", "reason": None}]
    assert facts(store) == [(event.event_id,)]
    assert show_letter(store, letter)["state"] == "replayed"
    assert replay_letters(store, [letter])[0]["verdict"] == "not open"


def test_a_replay_of_a_stored_event_is_a_duplicate(store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    event = ahead_of_its_time(store, monkeypatch)
    ingest_lines(store, [usage.encode(event)], "test")
    assert [row["verdict"] for row in replay_letters(store, open_ids(store))] == ["duplicate"]
    assert len(facts(store)) == 1
    assert count_letters(store, LetterFilter()) == 0


def test_what_is_still_refused_stays_the_one_open_letter_it_was(store: psycopg.Connection) -> None:
    event = make_event()
    changed = make_event(event_id=event.event_id, occurred_at=event.occurred_at, output_tokens=1)
    ingest_lines(store, [usage.encode(event), usage.encode(changed), b"{"], "test")
    before = list_letters(store, LetterFilter())
    verdicts = {row["reason"]: row["verdict"] for row in replay_letters(store, open_ids(store))}
    assert verdicts == {"conflict": "refused", "malformed": "refused"}
    assert list_letters(store, LetterFilter()) == before


def test_waiting_as_a_letter_makes_an_event_no_older(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest_lines(store, [usage.encode(make_event(at=clock.now() + timedelta(minutes=6)))], "test")
    later = clock.now() + timedelta(days=36)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert [row["verdict"] for row in replay_letters(store, open_ids(store))] == ["accepted"]


def test_what_was_erased_does_not_come_back(store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_of_its_time(store, monkeypatch)
    store.execute(
        "INSERT INTO aias.erased_subjects (subject_kind, subject_id, erased_at) VALUES ('organization', %s, now())",
        [ORG],
    )
    [letter] = open_ids(store)
    assert replay_letters(store, [letter])[0]["verdict"] == "erased"
    assert facts(store) == []
    assert show_letter(store, letter)["state"] == "dropped"


@pytest.mark.parametrize("call", range(3, 12))
def test_a_replay_that_is_killed_changes_both_or_neither(
    store: psycopg.Connection, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    ahead_of_its_time(store, monkeypatch)
    [letter] = open_ids(store)
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    def work() -> None:
        with connect(dsn, autocommit=True) as connection:
            letters.replay_letters(connection, [letter])

    run_and_die(work, call)
    assert len(facts(store)) == (show_letter(store, letter)["state"] == "replayed")
    wait_until(lambda: bool(replay_letters(store, [letter])) and count_letters(store, LetterFilter()) == 0)
    assert len(facts(store)) == 1


def test_a_letter_that_another_replay_holds_is_passed_over(
    store: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    ingest_lines(store, [b"{"], "test")
    [letter] = open_ids(store)
    with connect(postgres_server.dsn(store.info.dbname, "aias_analytics")) as other:
        other.execute("SELECT FROM aias.dead_letters WHERE letter_id = %s FOR UPDATE", [letter])
        assert replay_letters(store, [letter])[0]["verdict"] == "not open"


def test_a_dropped_letter_says_who_and_why(store: psycopg.Connection) -> None:
    ingest_lines(store, [b"{", b"["], "test")
    first, second = open_ids(store)
    assert drop_letters(store, [first], "ada@host", "a probe") == 1
    assert drop_letters(store, [first], "bob@host", "again") == 0
    shown = show_letter(store, first)
    assert (shown["state"], shown["dropped_by"], shown["drop_reason"]) == ("dropped", "ada@host", "a probe")
    assert open_ids(store) == [second]


def test_letters_are_found_by_time_and_reason(store: psycopg.Connection) -> None:
    ingest_lines(store, [b"{", b'{"schema": "usage/2"}'], "test")
    assert count_letters(store, LetterFilter(reason="malformed")) == 1
    assert count_letters(store, LetterFilter(since=clock.now() + timedelta(minutes=1))) == 0
    assert count_letters(store, LetterFilter(since=clock.now() - timedelta(minutes=1))) == 2


def test_an_unknown_letter_is_not_found(store: psycopg.Connection) -> None:
    with pytest.raises(NotFound):
        show_letter(store, uuid.uuid4())

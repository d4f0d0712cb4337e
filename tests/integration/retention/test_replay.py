"""Events of an erased subject that come again, or late, are counted and not stored."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from aias_core import clock, ids
from aias_core.analytics.ingest.letters import LetterFilter, drop_letters, list_letters
from aias_core.analytics.ingest.store import IngestResult, ensure_partitions, ingest_lines
from aias_core.analytics.sources.registry import find_gaps
from aias_core.analytics.sources.store import store_messages
from aias_core.contracts import usage
from aias_core.contracts.sources import Heartbeat
from aias_core.database.connection import connect
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure.certificate import Signer
from aias_core.retention.erasure.requests import Order
from aias_core.retention.erasure.run import run_erasure
from aias_core.retention.erasure.verify import verify_erasure
from aias_core.retention.stores import Stores
from aias_core.secret import Secret
from aias_core.windows import Window
from support.events import ORG, OTHER_ORG, make_event
from support.rows import insert_any_row, put
from support.subjects import house_keys, unguarded

SIGNER = Signer(Secret(base64.b64encode(b"k" * 32).decode()))
PERSON, KEY = ids.new_id(), ids.new_id()


@pytest.fixture
def service(stores: Stores) -> Iterator[psycopg.Connection]:
    """A connection as the analytics service has it, to a database with partitions."""
    with connect(stores.analytics, autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        ensure_partitions(connection, clock.now())
        yield connection


def ingest(service: psycopg.Connection, events: list[Any]) -> IngestResult:
    return ingest_lines(service, [usage.encode(event) for event in events], "test")


def erase(stores: Stores, order: Order) -> dict[str, Any]:
    return run_erasure(stores, order, Consent(), SIGNER)


def test_a_replay_does_not_bring_an_organization_back(
    whole: Stores, service: psycopg.Connection, raw_operational: psycopg.Connection
) -> None:
    for org_id, slug in ((ORG, "acme"), (OTHER_ORG, "globex")):
        put(raw_operational, "organizations", org_id=org_id, slug=slug, display_name=slug)
    events = [make_event() for _ in range(5)] + [make_event(org_id=OTHER_ORG)]
    assert ingest(service, events).accepted == 6
    certificate = erase(whole, Order("organization", ORG, "T-1", "x"))
    again = ingest(service, [*events, make_event()])
    assert (again.accepted, again.duplicate, again.erased) == (0, 1, 6)
    verify_erasure(whole, certificate)
    assert service.execute("SELECT org_id FROM aias.usage_facts").fetchall() == [(OTHER_ORG,)]


def test_what_was_erased_or_given_up_is_no_gap(
    whole: Stores, service: psycopg.Connection, raw_operational: psycopg.Connection
) -> None:
    put(raw_operational, "organizations", org_id=ORG, slug="acme", display_name="acme")
    beat = Heartbeat(source="router-1", at=clock.now(), highest_seq=9, published_seq=9)
    store_messages(service, [beat])
    sent = [
        make_event(source="router-1", source_seq=n, org_id=OTHER_ORG if n in (1, 5, 9) else ORG) for n in range(1, 9)
    ]
    refused = usage.encode(make_event(source="router-1", source_seq=8, org_id=OTHER_ORG)).replace(b"chat", b"shout")
    ingest_lines(service, [*map(usage.encode, sent[:3]), *map(usage.encode, sent[4:7]), refused], "test")
    ingest(service, [make_event(source="router-1", source_seq=9, org_id=OTHER_ORG)])
    window = Window(clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1))
    assert list_missing(service, window) == [4, 8]
    certificate = erase(whole, Order("organization", ORG, "T-1", "x"))
    assert list_missing(service, window) == [4, 8]
    assert ingest(service, [sent[3]]).erased == 1
    assert list_missing(service, window) == [8]
    [letter] = [row["letter_id"] for row in list_letters(service, LetterFilter())]
    drop_letters(service, [letter], "ana", "nobody will mend it")
    assert list_missing(service, window) == []
    verify_erasure(whole, certificate)


def list_missing(service: psycopg.Connection, window: Window) -> list[int]:
    return [n for gap in find_gaps(service, window) for n in range(gap.first_seq, gap.last_seq + 1)]


def test_a_letter_that_cannot_be_read_goes_all_the_same(service: psycopg.Connection) -> None:
    lines = [
        b"\xff",
        b"[]",
        b'"x"',
        b"{",
        b'{"source": "a", "source_seq": "x"}',
        b'{"source": "a", "source_seq": 1e99}',
    ]
    ingest_lines(service, [*lines, b'{"source": "a\\u0000", "source_seq": 1}'], "test")
    letters = [row["letter_id"] for row in list_letters(service, LetterFilter())]
    assert drop_letters(service, letters, "ana", "noise") == len(lines) + 1
    assert service.execute("DELETE FROM aias.dead_letters").rowcount == len(lines) + 1
    assert service.execute("SELECT count(*) FROM aias.removed_events").fetchone() == (0,)


def test_a_late_event_of_a_person_is_not_stored(
    stores: Stores, service: psycopg.Connection, raw_operational: psycopg.Connection
) -> None:
    put(raw_operational, "users", user_id=PERSON, display_name="Ana")
    with unguarded(raw_operational):
        insert_any_row(raw_operational, "api_keys", api_key_id=KEY, user_id=PERSON, org_id=ORG)
        house_keys(raw_operational)
    certificate = erase(stores, Order("user", PERSON, "T-1", "x"))
    late = ingest(service, [make_event(actor_id=PERSON), make_event(api_key_id=KEY), make_event()])
    assert (late.accepted, late.erased) == (1, 2)
    verify_erasure(stores, certificate)

"""An erased subject is in no table any more, whatever happens on the way, and others keep what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aias_core import ids
from aias_core.errors import Partial, PrerequisiteMissing
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure import run as erasure
from aias_core.retention.erasure.requests import Order
from aias_core.retention.erasure.run import describe_impact, run_erasure
from aias_core.retention.erasure.verify import verify_erasure
from aias_core.retention.holds import HeldByLaw, add_hold, release_hold
from aias_core.retention.stores import opened
from support.erasing import BUCKET, KINDS, SIGNER, Place, World, copy_world, dump, stable
from support.killing import run_and_die
from support.rows import insert_any_row, put

if TYPE_CHECKING:
    from aias_core.objectstore import ObjectStore
    from support.servers import PostgresServer


def test_every_row_of_the_subject_goes_and_every_row_of_others_stays(place: Place) -> None:
    before = {database: dump(place, database) for database in place.names}
    certificate = place.erase()
    assert {item["table"]: item["before"] for item in certificate["counts"]} == place.world.rows
    with opened(place.stores) as databases:
        work = erasure.prepare(place.stores, databases, place.world.order)
        assert set(work.count().values()) == {0}
    other = Order(place.world.kind, place.world.other, "T-2", "x")
    assert sum(item["rows"] for item in describe_impact(place.stores, other)["tables"]) == sum(
        place.world.rows.values()
    )
    kept = {name.partition(".")[2] for name in certificate["kept"]}
    journal = {"erasure_requests", "erasure_tombstones", "erased_subjects", "revocations"}
    anonymized = {"organizations", "users", "dim_organizations"}
    for database in place.names:
        for table, lines in dump(place, database).items():
            if table not in kept | journal | anonymized:
                assert not any(str(place.world.subject) in line for line in lines), table
            others = {line for line in before[database][table] if str(place.world.other) in line}
            assert others <= lines, table


def test_a_second_run_gives_the_same_certificate(place: Place) -> None:
    assert place.erase() == place.erase()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_call_the_next_run_completes_with_the_same_certificate(
    postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore, kind: str
) -> None:
    whole = stable(copy_world(postgres_server, worlds[kind], objects).erase())
    at_call, step, deaths = 5, 19, 0
    while True:
        place = copy_world(postgres_server, worlds[kind], objects)
        died = run_and_die(place.erase, at_call)
        assert stable(place.erase()) == whole, at_call
        if not died:
            break
        deaths, at_call = deaths + 1, at_call + step
    assert deaths > 5


def test_a_dry_run_changes_nothing(place: Place) -> None:
    before = {database: dump(place, database) for database in place.names}
    impact = describe_impact(place.stores, place.world.order)
    assert {f"{item['database']}.{item['table']}": item["rows"] for item in impact["tables"]} == place.world.rows
    assert {database: dump(place, database) for database in place.names} == before


def test_a_hold_stops_it_until_it_is_released(place: Place) -> None:
    with opened(place.stores) as databases:
        hold = add_hold(databases.operational, place.world.kind, place.world.subject, "a court order")
    for attempt in (place.erase, lambda: describe_impact(place.stores, place.world.order)):
        with pytest.raises(HeldByLaw, match=f"'{hold.hold_id}'.*a court order"):
            attempt()
    with place.raw("operational") as connection:
        assert connection.execute("SELECT count(*) FROM aias.erasure_tombstones").fetchone() == (0,)
    with opened(place.stores) as databases:
        assert hold.hold_id
        release_hold(databases.operational, hold.hold_id, "over")
    assert place.erase()["counts"]


def test_a_hold_placed_on_the_way_stops_it_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = erasure._remove_exports

    def hold_then_remove(work: erasure.Work, check: Callable[[], None]) -> None:
        add = {"subject_kind": work.subject.kind, "subject_id": work.subject.id, "reason": "x", "placed_by": "y"}
        put(work.databases.operational, "legal_holds", hold_id=ids.new_id(), **add)
        remove(work, check)

    monkeypatch.setattr(erasure, "_remove_exports", hold_then_remove)
    with pytest.raises(HeldByLaw):
        place.erase()
    with place.raw("operational") as connection:
        rows = connection.execute("SELECT status FROM aias.erasure_requests WHERE ticket = 'T-1'").fetchall()
        assert rows == [("running",)]
        assert connection.execute("SELECT count(*) FROM aias.memberships").fetchone() == (2,)


@pytest.mark.parametrize("bucket", [None, "nowhere"])
def test_where_exports_cannot_be_looked_at_it_is_not_complete(organization: Place, bucket: str | None) -> None:
    objects = organization.stores.objects if bucket else None
    blind = replace(organization.stores, objects=objects, buckets=(bucket or BUCKET,))
    assert describe_impact(blind, organization.world.order)["objects_unseen"]
    with pytest.raises(Partial, match="nothing is erased"):
        run_erasure(blind, organization.world.order, Consent(), SIGNER)
    with organization.raw("analytics") as connection:
        assert connection.execute("SELECT count(*) FROM aias.export_jobs").fetchone() == (2,)
    certificate = organization.erase()
    assert {item["table"]: item["before"] for item in certificate["counts"]} == organization.world.rows
    with pytest.raises(PrerequisiteMissing):
        verify_erasure(blind, certificate)


def test_writers_that_began_before_are_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.raw("analytics") as writer:
        monkeypatch.setattr(erasure, "WRITERS_SECONDS", 0.2)
        with writer.transaction():
            insert_any_row(writer, "dead_letters", payload=str(place.world.subject).encode())
            with pytest.raises(Partial, match="may still write"):
                place.erase()
    assert place.erase()["counts"]
    with place.raw("analytics") as connection:
        assert connection.execute("SELECT count(*) FROM aias.dead_letters").fetchone() == (1,)

"""Restores: to the second, beside the live databases, and in their place only when told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from aias_core import clock
from aias_core.backup import create, drill
from aias_core.backup.create import create_backup
from aias_core.backup.drill import run_drill
from aias_core.backup.manifest import sign
from aias_core.backup.promote import has_restored, promote
from aias_core.backup.restore import LATEST, RestoreResult, Wish, parse_moment, restore
from aias_core.backup.telemetry import BACKED_UP, VERIFIED
from aias_core.backup.wal import Archive, next_segment
from aias_core.database.telemetry import ENDPOINT
from aias_core.errors import AiasError, Conflict, DifferenceFound, InvalidInput, NotFound, Refused
from support.backups import Archiving, say_nothing
from support.collector import collector

COUNT = "SELECT count(*), coalesce(sum(id), 0)::bigint FROM notes"


@pytest.fixture(autouse=True)
def _only_the_live_databases(archiving: Archiving) -> None:
    for (name,) in archiving.read("SELECT datname FROM pg_database WHERE datname ~ '_'", "postgres"):
        archiving.execute(f'DROP DATABASE "{name}" WITH (FORCE)', "postgres")
    archiving.execute("DELETE FROM notes WHERE id > 5000")


def run(own: Archiving, **wish: object) -> RestoreResult:
    return restore(own.site, Wish(**wish), say_nothing)  # type: ignore[arg-type]


def databases(own: Archiving) -> set[str]:
    return {name for (name,) in own.read("SELECT datname FROM pg_database", "postgres")}


def test_a_time_just_before_a_table_was_dropped_brings_back_exactly_its_rows(own: Archiving) -> None:
    own.execute("CREATE TABLE marks (id bigint PRIMARY KEY)")
    own.back_up()
    own.execute("INSERT INTO marks SELECT generate_series(1, 1000)")
    own.execute("DELETE FROM marks WHERE id % 10 = 0")
    moment = own.now()
    own.execute("INSERT INTO marks VALUES (5000)")
    own.execute("DROP TABLE marks")
    result = run(own, moment=moment)
    assert own.read("SELECT count(*), sum(id) FROM marks", "operational_restored") == [(900, 450_000)]
    assert own.read("SELECT to_regclass('marks') IS NULL") == [(True,)]
    assert own.read("SELECT count(*) FROM sums", "analytics_restored") == [(5000,)]
    assert result.rpo_seconds <= 5
    assert result.rto_seconds > 0


def test_latest_brings_back_what_was_committed_last(own: Archiving) -> None:
    own.back_up()
    own.execute("INSERT INTO notes VALUES (900001, 'last')")
    live = own.read(COUNT)
    assert run(own, moment=LATEST).rows == live[0][0] + 5000
    assert own.read(COUNT, "operational_restored") == live


def test_without_a_time_it_is_the_backup_itself(own: Archiving) -> None:
    backup = own.back_up().manifest
    before = own.read(COUNT)
    own.execute("INSERT INTO notes VALUES (900002, 'later')")
    result = run(own)
    assert (result.backup, result.restored_to) == (backup.id, clock.format_instant(backup.at))
    assert own.read(COUNT, "operational_restored") == before


def test_a_lost_segment_is_named_with_the_latest_time_before_it_and_nothing_is_left(own: Archiving) -> None:
    backup = own.back_up().manifest
    assert backup.log
    lost = next_segment(next_segment(backup.log.last))
    own.execute("INSERT INTO notes VALUES (900003, 'kept')")
    for number in (900004, 900005, 900006):
        own.execute("SELECT pg_switch_wal()")
        own.execute(f"INSERT INTO notes VALUES ({number}, 'lost')")
    moment = own.now()
    own.execute("SELECT pg_switch_wal()")
    wait_for(own, next_segment(next_segment(lost)))
    (own.log / lost).unlink()
    for wanted in (moment, LATEST):
        with pytest.raises(AiasError, match=f"'{lost}' of the log is lost; the latest time") as caught:
            run(own, moment=wanted)
        assert databases(own).isdisjoint({"operational_restored", "operational_restored_loading"})
    assert caught.value.hint
    latest = parse_moment(caught.value.hint.rsplit(" ", 1)[1])
    assert run(own, moment=latest)
    assert own.read("SELECT max(id) FROM notes", "operational_restored") == [(900003,)]


def wait_for(own: Archiving, segment: str) -> None:
    Archive(own.log).wait_for(segment)


@pytest.mark.parametrize("shift", [timedelta(days=-1), timedelta(hours=1)], ids=["before", "future"])
def test_a_time_out_of_range_is_refused_with_the_range(own: Archiving, shift: timedelta) -> None:
    backup = own.back_up().manifest
    with pytest.raises(InvalidInput, match=f"from {clock.format_instant(backup.at)} to "):
        run(own, moment=clock.now() + shift)


@pytest.mark.parametrize("text", ["yesterday", "2026-10-01T12:00:00", ""])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        parse_moment(text)


@pytest.mark.parametrize("into", ["", "a b", "x" * 21, 'x"'])
def test_a_name_that_is_none_is_refused(into: str) -> None:
    with pytest.raises(InvalidInput):
        Wish(into)


def test_a_database_that_is_there_is_never_overwritten(own: Archiving) -> None:
    own.back_up()
    run(own)
    with pytest.raises(Conflict, match="operational_restored"):
        run(own)


def test_without_a_backup_there_is_nothing_to_restore(own: Archiving) -> None:
    with pytest.raises(NotFound, match="no backup"):
        run(own)
    with pytest.raises(NotFound, match="no backup"):
        run_drill(own.site, None, None, say_nothing)


def test_a_collector_is_told_when_a_backup_was_made_and_when_one_was_proven(
    own: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = int(clock.now().timestamp())
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        own.back_up()
        run_drill(own.site, None, None, say_nothing)
    points = received.points()
    assert set(points) == {(name, database) for name in (BACKED_UP, VERIFIED) for database in own.site.dsns}
    assert all(began <= at <= clock.now().timestamp() + 1 for at in points.values())


def test_what_went_well_is_told_of_without_the_lock_also_when_an_old_one_cannot_go(
    own: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def tell(metric: str, databases: Iterable[str]) -> None:
        with own.site.exclusive():
            told.append((metric, *databases))

    for module in (create, drill):
        monkeypatch.setattr(module, "send_time", tell)
    first = own.back_up()
    run_drill(own.site, None, None, say_nothing)
    (own.site.home / "full" / first.manifest.id / "manifest.json").write_text("{}")
    with pytest.raises(AiasError):
        own.back_up()
    assert told == [(metric, *own.site.dsns) for metric in (BACKED_UP, VERIFIED, BACKED_UP)]


def test_promoting_exchanges_both_databases_under_sessions_that_keep_coming(own: Archiving) -> None:
    own.back_up()
    own.execute("INSERT INTO notes VALUES (900007, 'after the backup')")
    run(own)
    stop, failures = threading.Event(), []
    client = threading.Thread(target=keep_reading, args=(own, stop, failures))
    client.start()
    done = promote(own.site, "restored")
    stop.set()
    client.join()
    assert all(any(word in error for word in ("terminating", "closed", "just been")) for error in failures)
    assert own.read("SELECT count(*) FROM notes WHERE id = 900007") == [(0,)]
    replaced = done["replaced"]["operational"]
    assert own.read("SELECT count(*) FROM notes WHERE id = 900007", replaced) == [(1,)]
    assert not has_restored(own.site, "restored")
    with pytest.raises(NotFound):
        promote(own.site, "restored")
    with psycopg.connect(own.server.dsn("operational", "aias_router").reveal()) as router:
        assert router.execute("SELECT 1").fetchone() == (1,)


def keep_reading(own: Archiving, stop: threading.Event, failures: list[str]) -> None:
    while not stop.is_set():
        try:
            own.read("SELECT 1")
        except psycopg.Error as exc:
            failures.append(str(exc))


def test_promotion_changes_nothing_when_one_of_the_two_is_missing(own: Archiving) -> None:
    own.back_up()
    run(own)
    own.execute("DROP DATABASE analytics_restored", "postgres")
    before = databases(own)
    with pytest.raises(NotFound):
        promote(own.site, "restored")
    assert databases(own) == before


def test_a_copy_with_a_damaged_index_fails_the_drill_and_is_recorded(own: Archiving) -> None:
    """An index whose operator class has changed its mind is what amcheck exists to find."""
    own.execute("CREATE FUNCTION flip(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'")
    own.execute(
        "CREATE OPERATOR CLASS flipped FOR TYPE int USING btree AS "
        "OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 flip(int, int)"
    )
    own.execute("CREATE TABLE flips AS SELECT g AS id FROM generate_series(1, 100) g")
    own.execute("CREATE INDEX flips_id_idx ON flips (id flipped)")
    own.execute("CREATE OR REPLACE FUNCTION flip(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $2 - $1'")
    backup = own.back_up().manifest
    try:
        with pytest.raises(DifferenceFound, match="flips_id_idx"):
            run_drill(own.site, None, None, say_nothing)
        assert own.site.read_record("drills.json")[backup.id]["passed"] is False
        with pytest.raises(DifferenceFound, match="flips_id_idx"):
            run(own)
        assert "operational_restored" not in databases(own)
    finally:
        own.execute("DROP TABLE flips")
        own.execute("DROP OPERATOR FAMILY flipped USING btree CASCADE")
        own.execute("DROP FUNCTION flip")


CHANGES = {
    "a-value": ("UPDATE notes SET text = 'x' WHERE id = 7", "'public.notes' has other rows"),
    "a-json-value": ("UPDATE notes SET extra = '{}' WHERE id = 7", "'public.notes' has other rows"),
    "a-row-more": ("INSERT INTO notes VALUES (900009, 'x')", "'public.notes' has 5000 rows, not 5001"),
    "a-table-more": ("CREATE TABLE more (id int)", "'public.more' is missing"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_drill_finds_rows_that_are_not_those_of_the_manifest(own: Archiving, change: str, said: str) -> None:
    """The manifest says what the server holds after a change that the files do not have."""
    backup = own.back_up().manifest
    own.execute("CREATE DATABASE as_it_was TEMPLATE operational", "postgres")
    own.execute(change)
    try:
        changed = own.back_up().manifest
        lying = sign(backup.holding(changed.databases, backup.files, backup.log), own.site.key)
        (own.site.home / "full" / backup.id / "manifest.json").write_text(json.dumps(lying))
        with pytest.raises(DifferenceFound, match=said):
            run_drill(own.site, None, backup.id, say_nothing)
    finally:
        own.execute("DROP DATABASE operational WITH (FORCE)", "postgres")
        own.execute("ALTER DATABASE as_it_was RENAME TO operational", "postgres")


def test_a_server_that_is_not_our_own_is_dumped_restored_and_drilled(own: Archiving) -> None:
    site = replace(own.site, archives=None)
    backup = create_backup(site, None, 30, say_nothing).manifest
    assert (backup.kind, [piece.name for piece in backup.files]) == (
        "logical",
        ["operational.dump.enc", "analytics.dump.enc"],
    )
    before = own.read(COUNT)
    own.execute("INSERT INTO notes VALUES (900008, 'later')")
    drill = run_drill(site, None, None, say_nothing)
    assert (drill.rows, drill.rows_compared) == (10_000, True)
    restore(site, Wish("copy"), say_nothing)
    assert own.read(COUNT, "operational_copy") == before
    with pytest.raises(Refused, match="single moments") as caught:
        restore(site, Wish("other", moment=LATEST), say_nothing)
    assert "provider" in str(caught.value.hint)


def test_a_failed_load_leaves_no_database(own: Archiving) -> None:
    own.execute("CREATE ROLE passing")
    own.execute("ALTER TABLE notes OWNER TO passing")
    own.back_up()
    own.execute("ALTER TABLE notes OWNER TO postgres")
    own.execute("DROP ROLE passing")
    with pytest.raises(AiasError, match="pg_restore"):
        run(own)
    assert all("restored" not in name for name in databases(own))

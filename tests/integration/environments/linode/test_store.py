"""The store on a real server, with conditional writes and without: never two who made the same object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from aias_core.environments.linode.holder import describe_self
from aias_core.environments.linode.lease import LeaseShelf
from aias_core.environments.linode.store import CLAIM, DirectoryStore, S3Store, StateStore, claim_new
from aias_core.errors import AiasError, DependencyUnreachable, NotFound
from aias_core.objectstore import ObjectStore
from support.backups import BUCKET
from support.servers import free_port
from support.strict_storage import StrictStorage, refusal

# SeaweedFS lets a third writer of one object wait for a second.
RACES, LANES, LEASE_RACES, RACERS = 200, 8, 20, 2
KINDS = ("honouring", "ignoring", "directory")
_numbers = count(1)
Result = TypeVar("Result")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> StateStore:
    """Each kind of store, empty."""
    if request.param == "directory":
        return DirectoryStore(request.getfixturevalue("tmp_path") / "store")
    if request.param == "honouring":
        return S3Store(request.getfixturevalue("objects"), BUCKET)
    strict: StrictStorage = request.getfixturevalue("strict")
    strict.ignores_conditions = True
    return S3Store(strict.store, BUCKET)


@pytest.fixture
def prefix() -> str:
    return f"test-{next(_numbers)}"


@pytest.fixture
def racers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(RACERS) as pool:
        yield pool


def race(pool: ThreadPoolExecutor, run: Callable[[int], Result]) -> list[Result]:
    """What each racer got; all start at the same moment."""
    start = Barrier(RACERS)

    def start_together(number: int) -> Result:
        start.wait()
        return run(number)

    return list(pool.map(start_together, range(RACERS)))


def test_an_object_is_read_listed_replaced_and_removed(store: StateStore, prefix: str) -> None:
    assert store.get(f"{prefix}/a") is None
    store.put(f"{prefix}/b", b"1")
    store.put(f"{prefix}/a/c", b"2")
    store.put(f"{prefix}/b", b"3")
    assert store.list(f"{prefix}/") == [f"{prefix}/a/c", f"{prefix}/b"]
    assert store.get(f"{prefix}/b") == b"3"
    store.delete(f"{prefix}/b")
    store.delete(f"{prefix}/b")
    assert store.list(f"{prefix}/") == [f"{prefix}/a/c"]


def test_an_object_is_made_once(store: StateStore, prefix: str) -> None:
    assert store.put_new(f"{prefix}/a", b"first")
    assert not store.put_new(f"{prefix}/a", b"second")
    assert store.put_new(f"{prefix}/a", b"first"), "whoever asks again is told that it is there"
    assert store.get(f"{prefix}/a") == b"first"


def test_never_two_make_the_same_object(store: StateStore, prefix: str) -> None:
    def run_races(lane: int) -> None:
        with ThreadPoolExecutor(RACERS) as racers:
            for number in range(lane, RACES, LANES):
                won = race(racers, lambda racer, key=f"{prefix}/{number}": store.put_new(key, b"%d" % racer))
                assert won.count(True) == 1
                assert store.get(f"{prefix}/{number}") == b"%d" % won.index(True)

    with ThreadPoolExecutor(LANES) as lanes:
        list(lanes.map(run_races, range(LANES)))


def test_the_probe_knows_what_the_server_does_and_leaves_nothing(objects: ObjectStore, strict: StrictStorage) -> None:
    assert S3Store(objects, BUCKET).honours_conditions
    strict.ignores_conditions = True
    ignoring = S3Store(strict.store, BUCKET)
    assert not ignoring.honours_conditions
    assert ignoring.list("probes/") == []


def test_a_claim_that_a_dead_caller_left_is_removed_when_it_has_not_moved(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.put(f"a{CLAIM}dead", b"")
    pauses: list[float] = []
    assert claim_new(store, "a", b"x", pause=pauses.append, stale_seconds=0)
    assert len(pauses) == 2, "seen once, seen again unmoved and removed"


def test_a_claimer_that_slept_while_its_claim_was_removed_does_not_win(tmp_path: Path) -> None:
    class Sleepy(DirectoryStore):
        """Between this caller's list and its write, another takes its claim away and makes the object."""

        def list(self, prefix: str) -> list[str]:
            found = super().list(prefix)
            if prefix == "a" and len(found) == 1:
                self.delete(found[0])
                assert claim_new(DirectoryStore(tmp_path), "a", b"another")
            return found

    assert not claim_new(Sleepy(tmp_path), "a", b"x")


def test_a_lost_answer_is_asked_for_again_and_is_no_defeat(strict: StrictStorage, prefix: str) -> None:
    store = S3Store(strict.store, BUCKET)
    assert store.honours_conditions
    strict.lose_next("PUT")
    assert store.put_new(f"{prefix}/a", b"mine")


def test_one_lease_of_many_racers_with_every_kind_of_store(
    store: StateStore, prefix: str, racers: ThreadPoolExecutor
) -> None:
    shelf = LeaseShelf(store, prefix)
    fences = []
    for _ in range(LEASE_RACES):
        taken = race(racers, lambda racer: shelf.take_next(describe_self(f"racer {racer}")))
        (lease,) = [one for one in taken if one is not None]
        lease.check()
        lease.release()
        fences.append(lease.fence)
    assert fences == sorted(set(fences))


def test_a_missing_bucket_and_a_silent_server_say_so(objects: ObjectStore) -> None:
    with pytest.raises(NotFound, match="no bucket 'aias-nothing-state'"):
        S3Store(objects, "aias-nothing-state").get("a")
    silent = replace(objects, endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DependencyUnreachable):
        S3Store(silent, BUCKET).list("a")


def test_a_refusal_of_the_server_is_the_cause_that_is_named(strict: StrictStorage) -> None:
    strict.judge = lambda line, _: refusal("QuotaExceeded") if line.startswith("PUT") else None
    with pytest.raises(AiasError, match="QuotaExceeded"):
        S3Store(strict.store, BUCKET).put("a", b"x")

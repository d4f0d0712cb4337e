"""The store on a real server, with conditional writes and without: never two who made the same object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from aias_core.environments.linode.store import CLAIM, DirectoryStore, S3Store, StateStore, claim_new
from aias_core.environments.linode.lease import LeaseShelf
from aias_core.environments.linode.holder import describe_self
from aias_core.errors import AiasError, DependencyUnreachable, NotFound
from aias_core.objectstore import ObjectStore
from support.backups import BUCKET
from support.state import ENVIRONMENT
from support.strict_storage import StrictStorage, refusal

RACES, RACERS = 200, 3
KINDS = ("honouring", "ignoring", "directory")
_numbers = count(1)


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


def race(pool: ThreadPoolExecutor, run: Callable[[int], bool]) -> list[bool]:
    """What each racer got; all start at the same moment."""
    start = Barrier(RACERS)

    def start_together(number: int) -> bool:
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


def test_never_two_make_the_same_object(store: StateStore, prefix: str, racers: ThreadPoolExecutor) -> None:
    for number in range(RACES):
        key = f"{prefix}/{number}"
        won = race(racers, lambda racer, key=key: store.put_new(key, b"%d" % racer))  # type: ignore[misc]
        assert won.count(True) == 1
        assert store.get(key) == b"%d" % won.index(True)


def test_the_probe_knows_what_the_server_does_and_leaves_nothing(objects: ObjectStore, strict: StrictStorage) -> None:
    assert S3Store(objects, BUCKET).honours_conditions
    strict.ignores_conditions = True
    ignoring = S3Store(strict.store, BUCKET)
    assert not ignoring.honours_conditions
    assert ignoring.list("probes/") == []

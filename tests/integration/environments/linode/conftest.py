from __future__ import annotations

from collections.abc import Iterator

import pytest

from aias_core.objectstore import ObjectStore
from support.backups import object_storage
from support.campaign import Account, make_account
from support.near import near_simulator
from support.settled import Settled, copied, settled
from support.strict_storage import StrictStorage, strict_storage


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with object_storage(tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture
def strict(objects: ObjectStore) -> Iterator[StrictStorage]:
    """The same server seen through something that refuses, and fails where a test wants it to."""
    with strict_storage(objects) as storage:
        yield storage


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A simulated account of the module's own."""
    directory = tmp_path_factory.mktemp("account")
    with near_simulator() as near:
        yield make_account(near, directory)


@pytest.fixture
def account(shared: Account) -> Account:
    """The account, emptied for one test."""
    shared.profile = shared.original
    shared.numbers += 1
    shared.begin(shared.numbers)
    shared.control("DELETE", "faults")
    return shared


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with settled(tmp_path_factory.mktemp("template")) as environment:
        yield environment


@pytest.fixture(scope="module")
def place(template: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    """An environment that is up, of the module's own."""
    with copied(template, tmp_path_factory.mktemp("place")) as environment:
        yield environment

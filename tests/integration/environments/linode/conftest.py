from __future__ import annotations

from collections.abc import Iterator

import pytest

from aias_core.objectstore import ObjectStore
from support.backups import object_storage
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

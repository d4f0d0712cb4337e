from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aias_core.objectstore import ObjectStore
from support.backups import Archiving, archiving_server, object_storage


@pytest.fixture(scope="module")
def archiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archiving]:
    with archiving_server(tmp_path_factory.mktemp("archiving")) as found:
        found.execute("CREATE TABLE notes (id bigint PRIMARY KEY, text text NOT NULL, extra json)")
        found.execute("INSERT INTO notes SELECT g, 'note ' || g, '{\"n\": 1}' FROM generate_series(1, 5000) g")
        found.execute("CREATE TABLE sums (id bigint PRIMARY KEY, amount numeric(38,0))", "analytics")
        found.execute("INSERT INTO sums SELECT g, g * 1000 FROM generate_series(1, 5000) g", "analytics")
        yield found


@pytest.fixture
def own(archiving: Archiving, tmp_path: Path) -> Archiving:
    """The shared server, its backups in a directory of the test alone."""
    return archiving.at(tmp_path / "backups")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with object_storage(tmp_path_factory.mktemp("objects")) as store:
        yield store

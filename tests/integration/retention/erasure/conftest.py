from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aias_core.retention.erasure.certificate import write_certificate
from support.erasing import KINDS, Place, World, build_world, copy_world

if TYPE_CHECKING:
    from aias_core.objectstore import ObjectStore
    from support.servers import PostgresServer


@pytest.fixture(scope="session")
def worlds(postgres_server: PostgresServer) -> dict[str, World]:
    return {kind: build_world(postgres_server, kind) for kind in KINDS}


@pytest.fixture(params=KINDS)
def place(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore
) -> Place:
    return copy_world(postgres_server, worlds[request.param], objects)


@pytest.fixture
def organization(postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore) -> Place:
    return copy_world(postgres_server, worlds["organization"], objects)


@pytest.fixture
def person(postgres_server: PostgresServer, worlds: dict[str, World], objects: ObjectStore) -> Place:
    return copy_world(postgres_server, worlds["user"], objects)


@pytest.fixture
def written(place: Place, tmp_path: Path) -> Path:
    write_certificate(place.erase(), tmp_path / "certificate.json")
    return tmp_path / "certificate.json"

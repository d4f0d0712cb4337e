from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aias_core.seeds.run import Site
from support.seeding import make_site

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def site(postgres_server: PostgresServer, tmp_path: Path) -> Site:
    return make_site(postgres_server, tmp_path / "secrets")

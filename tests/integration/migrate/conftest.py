from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aias_core.migrate.runner import Target

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def target(postgres_server: PostgresServer, migrations: Path) -> Target:
    """An empty database and a directory with two small migrations."""
    return Target("x", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), migrations)

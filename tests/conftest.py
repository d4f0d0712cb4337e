from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from aias_core.secret import Secret

if TYPE_CHECKING:
    from support.servers import PostgresServer

# The same examples at each run, so that a failure is the last change's; others with: --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """A job in the background is born deaf to Ctrl-C, and so would be the commands that tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    from support import servers

    with servers.postgres_server(tmp_path_factory.mktemp("postgres") / "home") as server:
        yield server


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    from support import servers

    with servers.nats_server(tmp_path_factory.mktemp("nats")) as url:
        yield url


@pytest.fixture
def operational(postgres_server: PostgresServer) -> str:
    """The name of a fresh operational database."""
    return postgres_server.clone("operational")


@pytest.fixture
def analytics(postgres_server: PostgresServer) -> str:
    """The name of a fresh analytics database."""
    return postgres_server.clone("analytics")


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A directory with two small migrations."""
    directory = tmp_path / "migrations"
    directory.mkdir()
    for version, slug in (("202610010000", "one"), ("202610010001", "two")):
        (directory / f"{version}_{slug}.up.sql").write_text(f"CREATE TABLE {slug} (id bigint PRIMARY KEY);\n")
        (directory / f"{version}_{slug}.down.sql").write_text(f"DROP TABLE {slug};\n")
    return directory

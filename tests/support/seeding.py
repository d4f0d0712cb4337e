"""Sites to put seeds into: fresh databases with keys and a place for secrets of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from aias_core.backup.rows import read_contents
from aias_core.database.connection import connect
from aias_core.environments.local.credentials import Credentials
from aias_core.migrate.target import Target
from aias_core.seeds.run import SeedRun, Site, reset, seed
from support.keys import make_data_keys

if TYPE_CHECKING:
    from support.servers import PostgresServer


def make_site(server: PostgresServer, directory: Path, environment: str = "local") -> Site:
    targets = [Target(name, server.dsn(server.clone(name), "aias_migrator")) for name in ("operational", "analytics")]
    return Site(environment, *targets, make_data_keys(), Credentials(directory))


def run_seed(site: Site, package: str, **asked: int) -> SeedRun:
    return seed(site, package, asked, lambda _: None)


def run_reset(site: Site, package: str, **asked: int) -> SeedRun:
    return reset(site, package, asked, lambda _: None)


def read_tables(server: PostgresServer, site: Site) -> dict[str, tuple[int, str]]:
    """Rows and checksum of every table of both databases that has rows; partitions have no rows for other roles."""
    found = {}
    for target in (site.operational, site.analytics):
        name = str(psycopg.conninfo.conninfo_to_dict(target.dsn.reveal())["dbname"])
        with connect(server.superuser(name)) as connection:
            tables = read_contents(connection).tables
        found |= {f"{target.database}.{n.removeprefix('aias.')}": table for n, table in tables.items() if table[0]}
    return found


def on_databases_of(site: Site, other: Site) -> Site:
    """A site with the secrets of its own and the databases of another one."""
    return replace(site, operational=other.operational, analytics=other.analytics)

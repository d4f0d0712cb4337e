"""A server of our own that archives, with its backups in a directory; and object storage for them."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from aias_core import accounts
from aias_core.backup.create import Created, create_backup
from aias_core.backup.site import Site
from aias_core.backup.wal import find_archive_command
from aias_core.database import postgres
from aias_core.database.bootstrap import DATABASES, LOGIN_ROLES, ensure_databases
from aias_core.environments.local import objects
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret, random_base62
from support.servers import LASTING_NOTHING, PostgresServer, free_port, running, wait_for_port
from support.waiting import wait_until

BUCKET = "backups"


def say_nothing(_: str) -> None:
    pass


@dataclass
class Archiving:
    """A running server, and the site that backups of it are of."""

    server: PostgresServer
    site: Site

    def execute(self, statement: str, database: str = "operational") -> None:
        self.server.execute(statement, database)

    def read(self, query: str, database: str = "operational") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.superuser(database).reveal(), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def now(self) -> datetime:
        at: datetime = self.read("SELECT clock_timestamp()")[0][0]
        return at

    def back_up(self, url: str | None = None, keep_days: int = 30) -> Created:
        return create_backup(self.site, url, keep_days, say_nothing)

    @property
    def log(self) -> Path:
        assert self.site.archives
        return next(self.site.archives.iterdir())

    def at(self, home: Path) -> Archiving:
        """The same server with the backups of another directory, so that a test sees its own only."""
        return Archiving(self.server, replace(self.site, home=home))


@contextmanager
def archiving_server(directory: Path, *, settings: tuple[str, ...] = ()) -> Iterator[Archiving]:
    account = accounts.find_server_account()
    passwords = {role: Secret(random_base62(24)) for role in (*LOGIN_ROLES, postgres.SUPERUSER)}
    data = postgres.ensure_data_directory(directory / "pg", passwords[postgres.SUPERUSER], account)
    archives, key = directory / "backups" / "wal", directory / "key"
    key.write_bytes(base64.b64encode(os.urandom(32)))
    port, log = free_port(), directory / "postgres.log"
    command = find_archive_command(archives, account, say_nothing)
    argv = postgres.build_server_argv(postgres.find_program("postgres"), data, port, command)
    with running([*argv, *LASTING_NOTHING, *settings], log, account) as process:
        wait_for_port(port, process, log)
        server = PostgresServer(port, passwords)
        wait_until(server.accepts_connections)
        server.shorten_login()
        ensure_databases(server.superuser(), passwords)
        dsns = {name: server.superuser(name) for name in DATABASES}
        yield Archiving(server, Site("test", directory / "backups", dsns, key, archives))


@contextmanager
def object_storage(directory: Path) -> Iterator[ObjectStore]:
    access, secret = random_base62(20), Secret(random_base62(40))
    configuration = directory / "s3.json"
    configuration.write_text(objects.build_configuration(access, secret))
    names = ("main", "s3-grpc", "filer", "filer-grpc", "volume", "volume-grpc", "master", "master-grpc")
    ports = {name: free_port() for name in names}
    argv = objects.build_server_argv(objects.find_server(), configuration, ports)
    argv[argv.index("-dir=.")] = f"-dir={directory}"
    store = ObjectStore(f"http://127.0.0.1:{ports['main']}", access, secret)
    try:
        with running(argv, directory / "weed.log", gently=False) as process:
            wait_for_port(ports["main"], process, directory / "weed.log")
            client = store.client()
            wait_until(lambda: is_there(client))
            yield store
            process.kill()  # asked nicely it takes a quarter of a minute
    finally:
        objects.remove_sockets(ports)


def is_there(client: Any) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.create_bucket(Bucket=BUCKET)
    except (BotoCoreError, ClientError):
        return False
    return True

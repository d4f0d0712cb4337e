"""Exchanging restored databases with the live ones: names change, in one transaction per server; data does not move."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from aias_core import clock
from aias_core.backup.clients import database_of, with_database
from aias_core.backup.manifest import get_newest
from aias_core.backup.site import RESTORES, Site
from aias_core.backup.tombstones import Tombstone, gather_tombstones
from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.errors import NotFound

if TYPE_CHECKING:
    from aias_core.secret import Secret

Rename = tuple[str, str]
_PAUSE_SECONDS = 0.02
_queries = load_queries(__file__)


def server_of(dsn: Secret) -> str:
    """What is equal for two databases of one server."""
    parts = conninfo_to_dict(dsn.reveal())
    return f"{parts.get('host')}:{parts.get('port')}"


def has_restored(site: Site, into: str) -> bool:
    """Whether every database is there that an earlier run restored under this name."""
    return all(has_databases(dsn, [f"{database_of(dsn)}_{into}"]) for dsn in site.dsns.values())


def has_databases(dsn: Secret, names: list[str]) -> bool:
    """Whether the server of an address has all of these databases."""
    with connect(with_database(dsn, "postgres"), autocommit=True) as connection:
        return len(connection.execute(_queries["list_databases"], [names]).fetchall()) == len(names)


def promote(site: Site, into: str) -> dict[str, Any]:
    """Puts `<database>_<into>` in the place of each live database; says what each replaced one is called now.

    Sessions are ended, and new ones are held up or refused for the moment it takes. Raises NotFound, with nothing
    changed, when a restored database is missing.
    """
    with site.exclusive():
        stamp = f"{clock.now():%Y%m%d%H%M%S}"
        servers: dict[str, tuple[Secret, list[Rename]]] = {}
        for dsn in site.dsns.values():
            live = database_of(dsn)
            moves = servers.setdefault(server_of(dsn), (dsn, []))[1]
            moves += [(live, f"{live}_before_{stamp}"), (f"{live}_{into}", live)]
        if not has_restored(site, into):
            raise NotFound(f"Nothing is restored as '{into}'", hint="restore it with: aias db restore")
        copies = {name: with_database(dsn, f"{database_of(dsn)}_{into}") for name, dsn in site.dsns.items()}
        known = site.read_record(RESTORES)
        record = known.pop(into, {})
        gathered = gather_tombstones(site.dsns["operational"], _list_kept(site, record.get("source")))
        site.prepare(copies, gathered.tombstones)
        for dsn, moves in servers.values():
            rename_databases(dsn, moves)
        site.write_record(RESTORES, known)
        replaced = {name: f"{database_of(dsn)}_before_{stamp}" for name, dsn in site.dsns.items()}
        return {**record, "unread_erasures": gathered.unread, "promoted": True, "replaced": replaced}


def _list_kept(site: Site, source: str | None) -> Sequence[Tombstone]:
    """Those of the newest backup at the address that was restored from; a live database that is lost has no others."""
    try:
        return get_newest(site.store(source), site.key).tombstones
    except NotFound:
        return ()


def rename_databases(dsn: Secret, moves: list[Rename]) -> None:
    """Renames databases of one server in order, all or none, ending the sessions that stand in the way meanwhile."""
    names = [name for move in moves for name in move]
    with (
        ThreadPoolExecutor(1) as pool,
        connect(with_database(dsn, "postgres"), "PostgreSQL", autocommit=True) as connection,
    ):
        renaming = pool.submit(_rename_all, dsn, moves)
        while not renaming.done():
            connection.execute(_queries["end_sessions"], [names])
            time.sleep(_PAUSE_SECONDS)
        renaming.result()


def _rename_all(dsn: Secret, moves: list[Rename]) -> None:
    """A rename locks the name first, so that new sessions wait, then waits five seconds for those there are."""
    with connect(with_database(dsn, "postgres")) as connection:
        for old, new in moves:
            statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))

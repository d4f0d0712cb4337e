"""A backup brought back to life on a scratch server, to a moment, with the time that each part took."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aias_core import clock, process
from aias_core.accounts import ensure_reachable, find_server_account
from aias_core.backup import physical
from aias_core.backup.cipher import decrypt
from aias_core.backup.clients import LONGEST_SECONDS
from aias_core.backup.logical import load
from aias_core.backup.manifest import LogRange, Manifest
from aias_core.backup.rows import Contents, read_contents
from aias_core.backup.site import Site
from aias_core.backup.stores import Store, read_checked
from aias_core.database import postgres
from aias_core.database.bootstrap import ensure_database
from aias_core.database.connection import connect
from aias_core.database.scratch import ScratchServer, scratch_server
from aias_core.secret import Secret

Progress = Callable[[str], None]
_LOADING = {"shared_buffers": "256MB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}


@dataclass(slots=True)
class Restored:
    """A scratch server with the databases of a backup; `names` is what each is called there."""

    server: ScratchServer
    names: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)

    def dsn(self, database: str) -> Secret:
        return self.server.dsn(self.names[database])

    def check(self) -> tuple[list[str], dict[str, Contents]]:
        """Damage in any table or index (nothing if sound), and what the databases hold; read side by side."""
        with ThreadPoolExecutor(1) as pool:
            contents = pool.submit(self._read)
            return self._check_structure(), contents.result()

    def _read(self) -> dict[str, Contents]:
        found = {}
        with self.measured("rows"):
            for name in self.names:
                with connect(self.dsn(name), f"restored database '{name}'", autocommit=True) as connection:
                    found[name] = read_contents(connection)
        return found

    def _check_structure(self) -> list[str]:
        """What amcheck finds in any table or index, each row of a table looked for in its B-trees."""
        argv = [str(postgres.find_program("pg_amcheck")), f"--host={self.server.sockets}", f"--port={self.server.port}"]
        argv += [f"--username={postgres.SUPERUSER}", "--install-missing", "--heapallindexed", "--no-password"]
        argv += [f"--jobs={max(2, os.cpu_count() or 1)}", *(f"--database={name}" for name in self.names.values())]
        with self.measured("amcheck"):
            done = process.run(argv, env={"LC_ALL": "C.UTF-8"}, timeout_seconds=LONGEST_SECONDS)
        if done.status == 0:
            return []
        return (done.stdout + done.stderr).strip().splitlines() or [f"pg_amcheck ended with {done.status}"]

    @contextmanager
    def measured(self, part: str) -> Iterator[None]:
        began = clock.monotonic()
        yield
        self.seconds[part] = round(clock.monotonic() - began, 3)


@contextmanager
def restored(site: Site, store: Store, manifest: Manifest, moment: datetime | str | None) -> Iterator[Restored]:
    """A server with the backup at its own moment (None), at a later one, or as late as the log goes ('latest').

    Raises LogEndsTooEarly, DifferenceFound for a damaged backup. Gone at the end of the block.
    """
    site.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=site.scratch))
    account = find_server_account()
    if account is not None:
        os.chown(home, account.uid, account.gid)
        ensure_reachable(home, account, lambda _: None)
    if manifest.log is None:
        yield from _loaded(site, store, manifest, home)
    else:
        yield from _recovered(site, store, manifest, manifest.log, home, moment)


def _recovered(
    site: Site, store: Store, manifest: Manifest, log: LogRange, home: Path, moment: datetime | str | None
) -> Iterator[Restored]:
    began = clock.monotonic()
    physical.unpack_base(_open(site, store, manifest, physical.BASE), home / "data")
    physical.unpack_log(_open(site, store, manifest, physical.LOG), log, home / "log")
    copied = clock.monotonic()
    sources = [home / "log", site.archive(log.system_id).home]
    with physical.recovered_server(home / "data", sources, _build_target(log, moment)) as server:
        booted = clock.monotonic()
        seconds = {"copy": round(copied - began, 3), "recovery": round(booted - copied, 3)}
        yield Restored(server, {name: name for name in manifest.databases}, seconds)


def _build_target(log: LogRange, moment: datetime | str | None) -> dict[str, str]:
    if moment is None:
        return {"recovery_target_lsn": log.position, "recovery_target_inclusive": "off"}
    if isinstance(moment, datetime):
        # At its start PostgreSQL knows no names of time zones, Z included.
        return {"recovery_target_time": clock.format_instant(moment).replace("Z", "+00")}
    return {}


def _loaded(site: Site, store: Store, manifest: Manifest, home: Path) -> Iterator[Restored]:
    with scratch_server(settings=_LOADING) as server:
        found = Restored(server, {name: name for name in manifest.databases})
        for part in ("copy", "recovery"):
            found.seconds[part] = 0.0
        for name in manifest.databases:
            began = clock.monotonic()
            dump = fetch_dump(site, store, manifest, name, home)
            copied = clock.monotonic()
            with connect(server.dsn(), autocommit=True) as connection:
                ensure_database(connection, name)
            load(dump, server.dsn(name))
            dump.unlink()
            found.seconds["copy"] += round(copied - began, 3)
            found.seconds["recovery"] += round(clock.monotonic() - copied, 3)
        yield found


def fetch_dump(site: Site, store: Store, manifest: Manifest, database: str, home: Path) -> Path:
    """The decrypted dump of one database, as a file in `home`."""
    dump = home / f"{database}.dump"
    with dump.open("wb") as file:
        file.writelines(_open(site, store, manifest, f"{database}.dump.enc"))
    return dump


def _open(site: Site, store: Store, manifest: Manifest, name: str) -> Iterator[bytes]:
    manifest.get_file(name)
    return decrypt(store.read(manifest.id, name), site.key, f"{manifest.id}/{name}")


def check_file(site: Site, store: Store, manifest: Manifest, name: str) -> None:
    """Reads and decrypts a file to its end, and compares it with the manifest. Raises DifferenceFound."""
    stored = read_checked(store, manifest.id, manifest.get_file(name))
    for _ in decrypt(stored, site.key, f"{manifest.id}/{name}"):
        pass

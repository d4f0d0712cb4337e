"""Making a backup: copied, encrypted, read back, and only then published; afterwards old ones go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import IO, Any

from aias_core import __version__, clock
from aias_core.backup import physical
from aias_core.backup.cipher import encrypt
from aias_core.backup.logical import dumping
from aias_core.backup.manifest import LOGICAL, PHYSICAL, LogRange, Manifest, get_manifest, sign
from aias_core.backup.site import CATALOG, Site
from aias_core.backup.stores import Piece, Store, write_proven
from aias_core.backup.telemetry import BACKED_UP, send_time
from aias_core.backup.tombstones import read_tombstones
from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.errors import AiasError

Progress = Callable[[str], None]
_READ_BYTES = 1024**2
_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Created:
    """A new backup, and what was no longer kept."""

    manifest: Manifest
    url: str
    seconds: float
    pruned: list[str]

    def as_record(self) -> dict[str, Any]:
        manifest = self.manifest
        return {
            "backup": manifest.id,
            "url": self.url,
            "kind": manifest.kind,
            "at": clock.format_instant(manifest.at),
            "bytes": manifest.bytes,
            "exact": manifest.log is None or manifest.log.exact,
            "databases": [
                {"database": name, "schema_version": c.schema_version, "tables": len(c.tables), "rows": c.rows}
                for name, c in manifest.databases.items()
            ],
            "pruned": self.pruned,
            "seconds": self.seconds,
        }


def create_backup(site: Site, url: str | None, keep_days: int, progress: Progress) -> Created:
    """Makes a backup at an address: of the whole server where it is our own, else of each database.

    Raises LockHeld, PrerequisiteMissing for a full disk, DifferenceFound when what was written reads otherwise. After
    a failure nothing of it is listed.
    """
    with ExitStack() as after, site.exclusive():
        began, store, key = clock.now(), site.store(url), site.key
        store.clear_unfinished(site.environment)
        make = _make_logical if site.archives is None else _make_physical
        try:
            manifest = make(_Job(site, store, key, f"{site.environment}-{began:%Y%m%dT%H%M%S%fZ}", began, progress))
            manifest = replace(manifest, tombstones=read_tombstones(site.dsns["operational"]))
            store.publish(manifest.id, sign(manifest, key))
            get_manifest(store, manifest.id, key)
        except BaseException:
            with suppress(AiasError):
                store.clear_unfinished(site.environment)
            raise
        # A collector that is away is waited for without the lock, and old ones that cannot go leave the new one good.
        after.callback(send_time, BACKED_UP, manifest.databases)
        pruned = _prune(site, store, manifest, keep_days)
        return Created(manifest, store.url, round((clock.now() - began).total_seconds(), 2), pruned)


@dataclass(frozen=True, slots=True)
class _Job:
    site: Site
    store: Store
    key: bytes
    id: str
    began: datetime
    progress: Progress

    def write(self, name: str, chunks: Iterable[bytes]) -> Piece:
        self.progress(f"Writing {name}")
        return write_proven(self.store, self.id, name, encrypt(chunks, self.key, f"{self.id}/{name}"))

    def manifest(self, kind: str, at: datetime, postgres: str) -> Manifest:
        """A manifest that holds nothing yet."""
        versions = {"aias": __version__, "postgres": postgres}
        return Manifest(self.id, self.site.environment, kind, self.began, at, versions, {}, [])


def _make_physical(job: _Job) -> Manifest:
    dsn = next(iter(job.site.dsns.values()))
    server = physical.read_server(dsn)
    archive = job.site.archive(server.system_id)
    first = physical.enable_archive(dsn, archive)
    with physical.base_backup(dsn) as output:
        base = job.write(physical.BASE, _iter_output(output))
    job.progress("Counting and summing the rows")
    reading = physical.read_exactly(job.site.dsns)
    last = physical.close_segment(dsn, archive, job.id)
    log = job.write(physical.LOG, physical.iter_log(archive, first, last))
    if not reading.exact:
        job.progress("The server never rested: a drill of this backup cannot compare rows")
    span = LogRange(server.system_id, first, last, reading.position, reading.exact)
    return job.manifest(PHYSICAL, reading.at, server.version).holding(reading.databases, [base, log], span)


def _make_logical(job: _Job) -> Manifest:
    databases, files, version = {}, [], ""
    for name, dsn in job.site.dsns.items():
        with ExitStack() as stack:
            output, databases[name] = stack.enter_context(dumping(dsn))
            files.append(job.write(f"{name}.dump.enc", _iter_output(output)))
        with connect(dsn) as connection:
            version = connection.execute(_queries["read_version"]).fetchall()[0][0]
    return job.manifest(LOGICAL, job.began, version).holding(databases, files)


def _iter_output(output: IO[bytes]) -> Iterator[bytes]:
    while chunk := output.read(_READ_BYTES):
        yield chunk


def _prune(site: Site, store: Store, newest: Manifest, keep_days: int) -> list[str]:
    """Removes backups of this environment that are too old, never the new one, and the log that only they needed."""
    oldest = newest.created_at - timedelta(days=keep_days)
    pruned = [
        backup
        for backup in store.list_backups()
        if backup.startswith(f"{site.environment}-")
        and backup != newest.id
        and get_manifest(store, backup, site.key).created_at < oldest
    ]
    for backup in pruned:
        store.delete(backup)
    if newest.log is not None:
        _prune_log(site, store, newest, newest.log, pruned)
    return pruned


def _prune_log(site: Site, store: Store, newest: Manifest, log: LogRange, pruned: list[str]) -> None:
    known = {
        backup: entry
        for backup, entry in site.read_record(CATALOG).items()
        if backup not in pruned and not (entry["url"] == store.url and backup not in store.list_backups())
    }
    known[newest.id] = {"url": store.url, "system_id": log.system_id, "first": log.first}
    site.write_record(CATALOG, known)
    if site.archives is None:
        return
    for home in site.archives.iterdir():
        needed = [entry["first"] for entry in known.values() if entry["system_id"] == home.name]
        site.archive(home.name).prune(min(needed, default=None))

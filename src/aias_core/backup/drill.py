"""A restore drill: a backup is brought back to life, checked row by row and page by page, and timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aias_core import clock
from aias_core.backup import physical
from aias_core.backup.manifest import Manifest, get_manifest, get_newest
from aias_core.backup.restore import check_copy
from aias_core.backup.scratch import restored
from aias_core.backup.site import DRILLS, Site
from aias_core.backup.telemetry import VERIFIED, send_time
from aias_core.backup.wal import SWITCH_SECONDS, Archive
from aias_core.database.connection import connect
from aias_core.database.queries import load_queries
from aias_core.errors import AiasError, ObjectiveMissed

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill proved and measured. `rows_compared` is false where the manifest's rows are of no exact moment."""

    backup: str
    at: str
    rpo_seconds: float
    rto_seconds: float
    rows: int
    tables: int
    rows_compared: bool
    seconds: dict[str, float]

    def as_record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def run_drill(site: Site, url: str | None, backup: str | None, progress: Callable[[str], None]) -> Drill:
    """Restores a backup, the newest unless one is named, in scratch and checks it; the outcome is recorded.

    Raises DifferenceFound for a copy that is not what was backed up.
    """
    with site.exclusive():
        began, store = clock.now(), site.store(url)
        manifest = get_newest(store, site.key) if backup is None else get_manifest(store, backup, site.key)
        rpo = measure_rpo(site, manifest)
        try:
            progress(f"Restoring the backup '{manifest.id}'")
            with restored(site, store, manifest, None) as copy:
                found = check_copy(copy, manifest, None, progress)
                rto = (clock.now() - began).total_seconds()
        except AiasError as exc:
            _record(site, manifest, passed=False, fault=exc.message)
            raise
        drill = Drill(
            backup=manifest.id,
            at=clock.format_instant(began),
            rpo_seconds=round(rpo, 1),
            rto_seconds=round(rto, 2),
            rows=sum(contents.rows for contents in found.values()),
            tables=sum(len(contents.tables) for contents in found.values()),
            rows_compared=manifest.log is None or manifest.log.exact,
            seconds=copy.seconds,
        )
        _record(site, manifest, passed=True, **drill.as_record())
    send_time(VERIFIED, manifest.databases)
    return drill


def _record(site: Site, manifest: Manifest, *, passed: bool, **details: Any) -> None:
    entry = {"at": clock.format_instant(clock.now()), **details, "passed": passed}
    site.write_record(DRILLS, {**site.read_record(DRILLS), manifest.id: entry})


def measure_rpo(site: Site, manifest: Manifest) -> float:
    """Seconds of work that would be lost if the server were lost now: what no backup and no archive holds.

    While the server is up and its archive keeps pace, PostgreSQL closes a segment with work in it after a minute.
    """
    if manifest.log is None or site.archives is None:
        return (clock.now() - manifest.at).total_seconds()
    archive = site.archive(manifest.log.system_id)
    newest = max(manifest.at, archive.newest_at() or manifest.at)
    age = (clock.now() - newest).total_seconds()
    return min(age, SWITCH_SECONDS) if _keeps_pace(site, manifest, archive) else age


def _keeps_pace(site: Site, manifest: Manifest, archive: Archive) -> bool:
    if archive.state != "on" or manifest.log is None:
        return False
    dsn = next(iter(site.dsns.values()))
    try:
        if physical.read_server(dsn).system_id != manifest.log.system_id:
            return False
        with connect(dsn, autocommit=True) as connection:
            return not connection.execute(_queries["has_segments_to_archive"]).fetchall()[0][0]
    except AiasError:
        return False


def check_objectives(drill: Drill, max_rpo: float | None, max_rto: float | None) -> None:
    """Raises ObjectiveMissed when a drill measured more than is allowed; None allows everything."""
    for name, measured, allowed in (("RPO", drill.rpo_seconds, max_rpo), ("RTO", drill.rto_seconds, max_rto)):
        if allowed is not None and measured > allowed:
            raise ObjectiveMissed(
                f"The {name} is {measured} s, more than {allowed:g} s", hint="take backups: aias db backup create"
            )

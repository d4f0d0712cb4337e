"""Restoring: into new databases beside the live ones, proven there, and exchanged with them only when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aias_core import clock
from aias_core.backup import physical
from aias_core.backup.clients import database_of, with_database
from aias_core.backup.logical import copy_database, drop_database
from aias_core.backup.manifest import PHYSICAL, Manifest, get_manifest, get_newest
from aias_core.backup.promote import Rename, has_databases, rename_databases, server_of
from aias_core.backup.rows import Contents, compare, read_contents
from aias_core.backup.scratch import Restored, restored
from aias_core.backup.site import RESTORES, Site
from aias_core.backup.stores import Store
from aias_core.backup.tombstones import Gathered, Tombstone, gather_tombstones
from aias_core.database.connection import connect
from aias_core.errors import AiasError, Conflict, DifferenceFound, InvalidInput, Refused
from aias_core.secret import Secret

LATEST = "latest"
_SUFFIX_CHARACTERS = set("abcdefghijklmnopqrstuvwxyz0123456789_")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to restore: which backup (the newest that fits), from where, to which moment, into which databases."""

    into: str = "restored"
    backup: str | None = None
    url: str | None = None
    moment: datetime | str | None = None

    def __post_init__(self) -> None:
        if not self.into or not set(self.into) <= _SUFFIX_CHARACTERS or len(self.into) > 20:
            raise InvalidInput(f"'{self.into}' is not a name of up to 20 characters a-z, 0-9 and _")

    @property
    def asks_for_more(self) -> bool:
        """Whether it says what to restore, besides the name it gets."""
        return self.backup is not None or self.moment is not None


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """Databases that were restored, how far back they stand, and how long it took.

    `unread_erasures` says why the live database could not be asked who was erased since the newest backup.
    """

    backup: str
    restored_to: str
    databases: dict[str, str]
    rpo_seconds: float
    rto_seconds: float
    rows: int
    source: str
    unread_erasures: str | None
    seconds: dict[str, float]

    def as_record(self) -> dict[str, Any]:
        return {
            "backup": self.backup,
            "restored_to": self.restored_to,
            "databases": [{"database": name, "restored": new} for name, new in self.databases.items()],
            "rows": self.rows,
            "rpo_seconds": self.rpo_seconds,
            "rto_seconds": self.rto_seconds,
            "source": self.source,
            "unread_erasures": self.unread_erasures,
            "seconds": self.seconds,
        }


def parse_moment(text: str | None) -> datetime | str | None:
    """The moment of `--to-time`: an RFC 3339 instant, or 'latest'. Raises InvalidInput."""
    if text is None or text == LATEST:
        return text
    try:
        return clock.parse_instant(text)
    except ValueError as exc:
        raise InvalidInput(
            f"'{text}' is not an instant with a time zone", hint="write it like 2026-10-01T12:00:00Z, or 'latest'"
        ) from exc


def restore(site: Site, wish: Wish, progress: Progress) -> RestoreResult:
    """Restores into new databases `<database>_<into>` on the live server, after checking the copy in scratch.

    Raises InvalidInput for a moment out of range, Conflict when the databases are there, DifferenceFound for a copy
    that is damaged, AiasError naming a lost segment. After a failure there are no new databases.
    """
    with site.exclusive():
        began, store = clock.now(), site.store(wish.url)
        _refuse_existing(site, wish.into)
        manifest = choose_backup(site, store, wish)
        if wish.moment is not None:
            _archive_live(site, manifest)
        progress(f"Restoring the backup '{manifest.id}'")
        with _recovering(site, store, manifest, wish.moment) as copy:
            found = check_copy(copy, manifest, wish.moment, progress)
            gathered = _find_tombstones(site, store, manifest)
            destination = _Destination(site, wish.into, gathered.tombstones)
            with copy.measured("load"):
                _carry_over(destination, copy, found, progress)
            to = _find_moment(site, manifest, wish)
            result = RestoreResult(
                backup=manifest.id,
                restored_to=clock.format_instant(to),
                databases={name: f"{database_of(dsn)}_{wish.into}" for name, dsn in site.dsns.items()},
                rpo_seconds=round(max(0.0, (began - to).total_seconds()), 1),
                rto_seconds=round((clock.now() - began).total_seconds(), 2),
                rows=sum(contents.rows for contents in found.values()),
                source=store.url,
                unread_erasures=gathered.unread,
                seconds=copy.seconds,
            )
        site.write_record(RESTORES, {**site.read_record(RESTORES), wish.into: result.as_record()})
        return result


def choose_backup(site: Site, store: Store, wish: Wish) -> Manifest:
    """The backup named, or the newest one from which the moment can be reached. Raises InvalidInput, Refused."""
    key, moment = site.key, wish.moment
    if wish.backup is not None:
        found = [get_manifest(store, wish.backup, key)]
    else:
        get_newest(store, key)
        found = [get_manifest(store, name, key) for name in store.list_backups()]
    if moment is not None and not any(manifest.kind == PHYSICAL for manifest in found):
        raise Refused(
            "These are dumps of single moments; there is no log to recover another one from",
            hint="use the point-in-time restore of the database's provider",
        )
    reachable = [m for m in found if moment is None or (m.kind == PHYSICAL and (moment == LATEST or _is_at(m, moment)))]
    if not reachable or (isinstance(moment, datetime) and moment > clock.now()):
        oldest = min(manifest.at for manifest in found if manifest.kind == PHYSICAL)
        raise InvalidInput(
            f"It is possible to go to a time from {clock.format_instant(oldest)} to {clock.format_instant(clock.now())}"
        )
    return max(reachable, key=lambda manifest: manifest.at)


def _is_at(manifest: Manifest, moment: datetime | str) -> bool:
    return isinstance(moment, datetime) and manifest.at <= moment


def check_copy(
    copy: Restored, manifest: Manifest, moment: datetime | str | None, progress: Progress
) -> dict[str, Contents]:
    """What the copy holds, when it is sound, and the same as the manifest says at the backup's own moment.

    Raises DifferenceFound naming what is not.
    """
    progress("Checking every table, index and row")
    faults, found = copy.check()
    is_exact = manifest.log is None or manifest.log.exact
    if moment is None and is_exact:
        faults += [
            f"{name}: {difference}"
            for name, contents in manifest.databases.items()
            for difference in compare(contents, found[name])
        ]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise DifferenceFound(
            f"The copy of '{manifest.id}' is not what was backed up: {'; '.join(faults[:3])}{more}",
            hint="try an older one: aias db backup list",
        )
    return found


@contextmanager
def _recovering(site: Site, store: Store, manifest: Manifest, moment: datetime | str | None) -> Iterator[Restored]:
    """See `restored`; a log that does not reach the moment is told as which segment is lost, and how far it goes."""
    log = manifest.log
    missing = None if log is None or moment is None else site.archive(log.system_id).find_missing(log.last)
    if missing is not None and moment == LATEST:
        moment = clock.now()
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(restored(site, store, manifest, moment))
        except physical.LogEndsTooEarly as exc:
            if not isinstance(moment, datetime):
                raise
            reached = exc.reached or manifest.at
            if reached < moment:
                raise _describe_end(manifest, missing, reached) from exc
            copy = stack.enter_context(restored(site, store, manifest, LATEST))  # the last transaction is the moment
        yield copy


def _describe_end(manifest: Manifest, missing: str | None, reached: datetime) -> AiasError:
    lost = "The archive ends too early" if missing is None else f"The segment '{missing}' of the log is lost"
    latest = clock.format_instant(reached)
    return AiasError(
        f"{lost}; the latest time that can be reached is {latest}",
        hint=f"go there with: aias db restore --backup {manifest.id} --to-time {latest}",
    )


def _archive_live(site: Site, manifest: Manifest) -> None:
    """Archives what the live server has written, when it is the server that the backup is of."""
    dsn = next(iter(site.dsns.values()))
    server = physical.read_server(dsn)
    archive = site.archive(server.system_id)
    if manifest.log is not None and manifest.log.system_id == server.system_id and archive.state == "on":
        physical.archive_everything(dsn, archive)


def _refuse_existing(site: Site, into: str) -> None:
    for dsn in site.dsns.values():
        name = f"{database_of(dsn)}_{into}"
        if has_databases(dsn, [name]):
            raise Conflict(
                f"There is a database '{name}' already",
                hint="choose another name with --into, or exchange it with the live one: aias db restore --promote",
            )


def _find_tombstones(site: Site, store: Store, manifest: Manifest) -> Gathered:
    newest = get_newest(store, site.key)
    return gather_tombstones(site.dsns["operational"], manifest.tombstones, newest.tombstones)


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where a copy goes: the live servers of a site, under which ending, and whom it may not bring back."""

    site: Site
    into: str
    tombstones: Sequence[Tombstone]


def _carry_over(to: _Destination, copy: Restored, found: dict[str, Contents], progress: Progress) -> None:
    """Copies each checked database to its server under a passing name, compares and prepares it, then names all."""
    site, into = to.site, to.into
    renames: dict[str, tuple[Secret, list[Rename]]] = {}
    loading = {name: f"{database_of(dsn)}_{into}_loading" for name, dsn in site.dsns.items()}
    try:
        for name, dsn in site.dsns.items():
            progress(f"Loading '{database_of(dsn)}_{into}'")
            copy_database(copy.dsn(name), dsn, loading[name], site.scratch)
            with connect(with_database(dsn, loading[name]), autocommit=True) as connection:
                differences = compare(found[name], read_contents(connection))
            if differences:
                raise DifferenceFound(f"'{name}' did not load as it was: {differences[0]}")
            move = (loading[name], f"{database_of(dsn)}_{into}")
            renames.setdefault(server_of(dsn), (dsn, []))[1].append(move)
        site.prepare({name: with_database(dsn, loading[name]) for name, dsn in site.dsns.items()}, to.tombstones)
    except BaseException:
        for name, dsn in site.dsns.items():
            drop_database(dsn, loading[name])
        raise
    for dsn, moves in renames.values():
        rename_databases(dsn, moves)


def _find_moment(site: Site, manifest: Manifest, wish: Wish) -> datetime:
    """How far back the restored databases stand."""
    if wish.moment == LATEST and manifest.log is not None:
        return site.archive(manifest.log.system_id).newest_at() or manifest.at
    return wish.moment if isinstance(wish.moment, datetime) else manifest.at

"""Migration files: `YYYYMMDDHHMM_slug.up.sql` with `.down.sql` beside it, in order of their names."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import aias_core
from aias_core import clock
from aias_core.errors import InvalidInput, NothingRan

NAME = re.compile(r"(\d{12})_([a-z0-9_]{1,60})\.(up|down)\.sql")
CATALOG_FILE = "catalog.json"
_PARTS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12))
_AHEAD = timedelta(hours=24)
_OTHER_DIRECTORY = "name the one that holds the files of this database: --directory DIR"
_OTHER_MINUTE = "rename both of its files with the present minute: date -u +%Y%m%d%H%M"


@dataclass(frozen=True, slots=True)
class Migration:
    """One version of a database: what applies it and what reverts it."""

    version: str
    slug: str
    up: bytes
    down: bytes

    @property
    def name(self) -> str:
        return f"{self.version}_{self.slug}"

    @property
    def checksum_up(self) -> str:
        return hashlib.sha256(self.up).hexdigest()

    @property
    def checksum_down(self) -> str:
        return hashlib.sha256(self.down).hexdigest()


def default_directory(database: str) -> Path:
    """The migrations that ship with `aias`: inside the wheel, or at the top of a checkout."""
    package = Path(aias_core.__file__).parent
    inside = package / "migrations" / database
    return inside if inside.is_dir() else package.parents[1] / "migrations" / database


def load_migrations(directory: Path) -> list[Migration]:
    """All migrations of a directory, oldest first.

    Raises NothingRan when there is none, InvalidInput for a file that is misnamed, lacks its pair or repeats a version.
    """
    if not directory.is_dir():
        raise NothingRan(f"There is no migrations directory '{directory}'", hint=_OTHER_DIRECTORY)
    parts: dict[str, dict[str, Path]] = {}
    for path in sorted(path for path in directory.iterdir() if path.name != CATALOG_FILE):
        match = NAME.fullmatch(path.name)
        if match is None:
            raise InvalidInput(
                f"'{path.name}' is not a migration", hint="name it YYYYMMDDHHMM_slug.up.sql or .down.sql"
            )
        check_version(path.name, match[1])
        parts.setdefault(f"{match[1]}_{match[2]}", {})[match[3]] = path
    if not parts:
        raise NothingRan(f"There are no migrations in '{directory}'", hint=_OTHER_DIRECTORY)
    migrations = [_pair(name, files) for name, files in parts.items()]
    _check_unique(migrations)
    return migrations


def check_version(name: str, version: str) -> None:
    """Raises InvalidInput for a version that is not a real UTC minute, or too far ahead."""
    try:
        year, month, day, hour, minute = (int(version[first:last]) for first, last in _PARTS)
        made_at = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError as exc:
        raise InvalidInput(f"'{name}' does not begin with a real UTC minute", hint=_OTHER_MINUTE) from exc
    if made_at - clock.now() > _AHEAD:
        raise InvalidInput(f"'{name}' is dated more than 24 hours ahead", hint=_OTHER_MINUTE)


def _pair(name: str, files: dict[str, Path]) -> Migration:
    if len(files) != 2:
        missing = "down" if "up" in files else "up"
        raise InvalidInput(f"'{name}' has no .{missing}.sql", hint=f"add {name}.{missing}.sql beside it")
    version, _, slug = name.partition("_")
    return Migration(version, slug, files["up"].read_bytes(), files["down"].read_bytes())


def _check_unique(migrations: list[Migration]) -> None:
    for earlier, later in pairwise(migrations):
        if earlier.version == later.version:
            raise InvalidInput(f"'{earlier.name}' and '{later.name}' have one version", hint="rename the later one")

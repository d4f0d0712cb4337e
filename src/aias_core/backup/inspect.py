"""Looking at backups: which there are, and whether they are still what was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aias_core import clock
from aias_core.backup.manifest import Manifest, get_manifest, get_newest
from aias_core.backup.scratch import check_file
from aias_core.backup.site import DRILLS, Site
from aias_core.errors import DifferenceFound


def list_backups(site: Site, url: str | None) -> dict[str, Any]:
    """The backups at an address, oldest first, each with its last good drill; and the state of the archive."""
    store, drills = site.store(url), site.read_record(DRILLS)
    rows = []
    for name in store.list_backups():
        manifest = get_manifest(store, name, site.key)
        last = drills.get(name) or {}
        rows.append(
            {
                "backup": name,
                "kind": manifest.kind,
                "at": clock.format_instant(manifest.at),
                "bytes": manifest.bytes,
                "rows": sum(contents.rows for contents in manifest.databases.values()),
                "schema_versions": {d: contents.schema_version for d, contents in manifest.databases.items()},
                "drilled_at": last.get("at"),
                "drill_passed": last.get("passed"),
                "archive": None if manifest.log is None else site.archive(manifest.log.system_id).state,
            }
        )
    return {"url": store.url, "backups": rows}


def verify_backup(site: Site, url: str | None, backup: str | None, progress: Callable[[str], None]) -> dict[str, Any]:
    """Reads and decrypts every file of a backup, the newest unless one is named.

    Raises NotFound when there is none, DifferenceFound for anything that is not as it was written.
    """
    store = site.store(url)
    manifest = get_newest(store, site.key) if backup is None else get_manifest(store, backup, site.key)
    if not manifest.files:
        raise DifferenceFound(f"The backup '{manifest.id}' holds no file")
    for piece in manifest.files:
        progress(f"Reading {piece.name}")
        check_file(site, store, manifest, piece.name)
    return {"backup": manifest.id, "url": store.url, "bytes": manifest.bytes, "files": _list_files(manifest)}


def _list_files(manifest: Manifest) -> list[dict[str, Any]]:
    return [{"file": piece.name, "bytes": piece.bytes, "sha256": piece.sha256} for piece in manifest.files]

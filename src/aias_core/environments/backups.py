"""What a backup command works on: an environment's own server, or servers that variables name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core import clock
from aias_core.backup.site import DRILLS, Site, read_record
from aias_core.database import postgres
from aias_core.database.bootstrap import DATABASES
from aias_core.environments.databases import find_dsn, has_named_servers
from aias_core.environments.local.credentials import BACKUP_KEY, Credentials
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.backup.tombstones import Tombstone
    from aias_core.environments.local.target import LocalEnvironment
    from aias_core.secret import Secret

PROVEN_FOR = timedelta(days=1)
KEY_VARIABLE = "AIAS_BACKUP_KEY_FILE"


def find_site(environment: LocalEnvironment, *, logical: bool = False, needs_server: bool = True) -> Site:
    """The databases of an environment with their backups; `logical` treats its own server like a managed one.

    `AIAS_OPERATIONAL_DSN` and `AIAS_ANALYTICS_DSN` win, and make backups logical. Raises EnvironmentNotUp.
    """
    is_foreign = has_named_servers()
    if is_foreign:
        environment.state.ensure()
    elif not environment.state.exists():
        raise environment.not_up()
    needs_own = needs_server and not is_foreign
    endpoints = environment.endpoints() if needs_own else environment.known_endpoints()
    Credentials(environment.state.secrets).ensure()
    key_file = find_variable(KEY_VARIABLE)
    return Site(
        environment=environment.name,
        home=environment.state.backups,
        dsns={name: _find_dsn(environment, name, is_foreign) for name in DATABASES},
        key_file=Path(key_file) if key_file else environment.state.secrets / BACKUP_KEY,
        archives=None if is_foreign or logical else environment.state.backups / "wal",
        objects=endpoints.object_store() if endpoints.ports else None,
        prepare=partial(_apply_tombstones, environment),
    )


def find_backup_fault(environment: LocalEnvironment) -> str | None:
    """Why no backup counts as proven: none has been restored in a drill within a day, losing less than a day."""
    drills = read_record(environment.state.backups, DRILLS)
    passed = [drill for drill in drills.values() if drill.get("passed")]
    oldest = clock.now() - PROVEN_FOR
    if any(
        clock.parse_instant(drill["at"]) > oldest and drill["rpo_seconds"] < PROVEN_FOR.total_seconds()
        for drill in passed
    ):
        return None
    last = max((drill["at"] for drill in passed), default=None)
    said = "none ever was" if last is None else f"the last was at {last}"
    return f"No backup of '{environment.name}' was restored in a drill within a day ({said}): aias db restore-drill"


def _apply_tombstones(
    environment: LocalEnvironment, databases: Mapping[str, Secret], tombstones: Sequence[Tombstone]
) -> None:
    from aias_core.environments.stores import find_signer
    from aias_core.retention.erasure.tombstones import apply_tombstones

    apply_tombstones(environment.name, databases, tombstones, find_signer(environment))


def _find_dsn(environment: LocalEnvironment, database: str, is_foreign: bool) -> Secret:
    if is_foreign:
        return find_dsn(environment, database)
    endpoints = environment.known_endpoints()
    port, password = endpoints.ports["postgres"]["main"], endpoints.credentials.superuser_password
    return postgres.build_dsn(port, database, postgres.SUPERUSER, password)

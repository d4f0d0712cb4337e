"""What a backup command works on: an environment's own server, or servers that variables name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.backup.site import Site
from aias_core.database import postgres
from aias_core.database.bootstrap import DATABASES
from aias_core.environments.databases import find_dsn
from aias_core.environments.local.credentials import BACKUP_KEY, Credentials
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.backup.tombstones import Tombstone
    from aias_core.environments.local.target import LocalEnvironment
    from aias_core.secret import Secret

KEY_VARIABLE = "AIAS_BACKUP_KEY_FILE"


def find_site(environment: LocalEnvironment, *, logical: bool = False, needs_server: bool = True) -> Site:
    """The databases of an environment with their backups; `logical` treats its own server like a managed one.

    `AIAS_OPERATIONAL_DSN` and `AIAS_ANALYTICS_DSN` win, and make backups logical. Raises EnvironmentNotUp.
    """
    is_foreign = any(find_variable(f"AIAS_{database.upper()}_DSN") for database in DATABASES)
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

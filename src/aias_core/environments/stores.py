"""Where retention and erasure work: the databases and exports of an environment, and the key of its certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aias_core.database.bootstrap import DATABASES
from aias_core.environments.databases import find_dsn
from aias_core.environments.local.credentials import Credentials
from aias_core.retention.stores import Stores
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment
    from aias_core.retention.erasure.certificate import Signer


def find_stores(environment: LocalEnvironment) -> Stores:
    """The databases, those that variables name or its own, and the bucket of exports. Raises EnvironmentNotUp."""
    is_foreign = all(find_variable(f"AIAS_{database.upper()}_DSN") for database in DATABASES)
    endpoints = environment.known_endpoints() if is_foreign else environment.endpoints()
    objects = endpoints.object_store() if endpoints.ports else None
    operational, analytics = (find_dsn(environment, database) for database in DATABASES)
    return Stores(environment.name, operational, analytics, objects, endpoints.bucket)


def find_signer(environment: LocalEnvironment) -> Signer:
    """The key that signs certificates of erasure, made once for each environment."""
    from aias_core.retention.erasure.certificate import Signer

    environment.state.ensure()
    credentials = Credentials(environment.state.secrets)
    credentials.ensure()
    return Signer(credentials.erasure_key)


def find_public_key(environment: LocalEnvironment) -> str:
    """The public half of that key. Raises EnvironmentNotUp where there never was an environment."""
    if not environment.state.exists():
        raise environment.not_up()
    return find_signer(environment).public_key

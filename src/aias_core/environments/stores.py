"""Where retention and erasure work: the databases and exports of an environment, and the key of its certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aias_core.database.bootstrap import DATABASES
from aias_core.environments.databases import find_dsn, has_named_servers
from aias_core.environments.local.credentials import Credentials
from aias_core.retention.stores import Stores

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment
    from aias_core.objectstore import ObjectStore
    from aias_core.retention.erasure.certificate import Signer


def find_stores(environment: LocalEnvironment) -> Stores:
    """The databases and the buckets of exports: those that variables name, or its own. Raises EnvironmentNotUp.

    Where a variable names a database, only variables name the storage of its exports, as they do for services.
    """
    operational, analytics = (find_dsn(environment, database) for database in DATABASES)
    if has_named_servers():
        return Stores(environment.name, operational, analytics, *_find_named_storage())
    endpoints = environment.endpoints()
    return Stores(environment.name, operational, analytics, endpoints.object_store(), (endpoints.bucket,))


def _find_named_storage() -> tuple[ObjectStore | None, tuple[str, ...]]:
    from aias_core.finance.storage import find_object_store, list_buckets
    from aias_core.service_settings import StorageSettings, load

    settings = load(StorageSettings)
    is_named = "exports_buckets" in settings.model_fields_set
    return find_object_store(settings), list_buckets(settings) if is_named else ()


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

"""Where the seeds of an environment go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aias_core.environments.data_keys import find_data_keys, open_credentials
from aias_core.environments.databases import find_dsn
from aias_core.errors import Refused
from aias_core.migrate.target import Target
from aias_core.seeds.package import NEVER
from aias_core.seeds.run import Site

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment


def find_site(environment: LocalEnvironment) -> Site:
    """The databases, keys and secrets of an environment. Raises Refused for production, EnvironmentNotUp, WeakKey."""
    if environment.name in NEVER:
        raise Refused(f"Seeds are never put into '{environment.name}'", hint="try them out: aias --env local db seed")
    return Site(
        environment=environment.name,
        operational=Target("operational", find_dsn(environment, "operational")),
        analytics=Target("analytics", find_dsn(environment, "analytics")),
        keys=find_data_keys(environment),
        shelf=open_credentials(environment),
    )

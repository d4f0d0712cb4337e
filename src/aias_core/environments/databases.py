"""Which databases a command works on: those of the environment, or servers that variables name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.database.bootstrap import DATABASES
from aias_core.errors import InvalidInput
from aias_core.migrate.target import Target
from aias_core.secret import Secret
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment
    from aias_core.migrate.approval import ApprovalPolicy


def find_targets(environment: LocalEnvironment, wanted: str, directory: Path | None) -> list[Target]:
    """The databases to work on, reached as the migrator. `AIAS_OPERATIONAL_DSN` and `AIAS_ANALYTICS_DSN` win.

    Raises EnvironmentNotUp, or InvalidInput when one directory is to serve two databases.
    """
    names = _check_directory(wanted, directory)
    return [Target(name, find_dsn(environment, name), directory) for name in names]


def offline_targets(wanted: str, directory: Path | None) -> list[Target]:
    """The files of the databases, without a server. Raises InvalidInput as `find_targets`."""
    names = _check_directory(wanted, directory)
    return [Target(name, Secret(""), directory) for name in names]


def _check_directory(wanted: str, directory: Path | None) -> list[str]:
    names = list_databases(wanted)
    if directory is not None and len(names) > 1:
        raise InvalidInput("A directory holds the files of one database", hint="say of which with: --database NAME")
    return names


def find_operational(environment: LocalEnvironment) -> Target:
    """The database that holds the audit chain. Raises EnvironmentNotUp."""
    return Target("operational", find_dsn(environment, "operational"))


def list_databases(wanted: str) -> list[str]:
    """The names meant by an option: one, or both for `all`."""
    return list(DATABASES) if wanted == "all" else [wanted]


def find_dsn(environment: LocalEnvironment, database: str) -> Secret:
    """The address of a database for the migrator: the variable's, else the environment's. Raises EnvironmentNotUp."""
    named = find_variable(f"AIAS_{database.upper()}_DSN")
    return Secret(named) if named else environment.endpoints().dsn(database, "aias_migrator")


def has_named_servers() -> bool:
    """Whether a variable names a server, so that the environment need not be up."""
    return any(find_variable(f"AIAS_{database.upper()}_DSN") for database in DATABASES)


def read_policy(environment: LocalEnvironment) -> ApprovalPolicy:
    """Whether migrations of the environment need consent, and whose. Production and system always do."""
    from aias_core.migrate.approval import ALWAYS_REQUIRED, ApprovalPolicy

    approvals = environment.load_profile().approvals
    required = environment.name in ALWAYS_REQUIRED or approvals.migrations == "required"
    return ApprovalPolicy(environment.name, required, approvals.approvers)

"""Which databases a command works on: those of the environment, or servers that variables name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.database.bootstrap import DATABASES
from aias_core.environments.profiles import read_profile
from aias_core.errors import InvalidInput
from aias_core.migrate.target import Target
from aias_core.secret import Secret
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.approvals import ApprovalPolicy
    from aias_core.environments.local.target import LocalEnvironment


def find_targets(environment: LocalEnvironment, wanted: str, directory: Path | None) -> list[Target]:
    """The databases to work on, reached as the migrator. `AIAS_OPERATIONAL_DSN` and `AIAS_ANALYTICS_DSN` win.

    Raises EnvironmentNotUp, or InvalidInput when one directory is to serve two databases.
    """
    names = _check_directory(wanted, directory)
    find_fault = partial(_find_backup_fault, environment)
    return [
        Target(name, find_dsn(environment, name), directory, _find_data(environment, name), find_fault)
        for name in names
    ]


def _find_data(environment: LocalEnvironment, database: str) -> Path | None:
    """Where the environment's own server keeps its files; None for a server that a variable names."""
    return None if find_variable(_variable_of(database)) else environment.state.pg / "data"


def _find_backup_fault(environment: LocalEnvironment) -> str | None:
    """What is wrong with the backups of an environment whose plans need consent."""
    if not read_policy(environment).required:
        return None
    from aias_core.environments.backups import find_backup_fault

    return find_backup_fault(environment)


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
    named = find_variable(_variable_of(database))
    return Secret(named) if named else environment.endpoints().dsn(database, "aias_migrator")


def _variable_of(database: str) -> str:
    return f"AIAS_{database.upper()}_DSN"


def has_named_servers() -> bool:
    """Whether a variable names a server, so that the environment need not be up."""
    return any(find_variable(_variable_of(database)) for database in DATABASES)


def read_policy(environment: LocalEnvironment) -> ApprovalPolicy:
    """Whether migrations of the environment need consent, and whose. Production and system always do."""
    from aias_core.approvals import ALWAYS_REQUIRED, ApprovalPolicy

    own = environment.own_profiles
    # Validating takes longer than many a run; what ships is validated by our tests.
    profile = read_profile(environment.name, own) if own is None else environment.load_profile().model_dump()
    approvals = profile["approvals"]
    required = environment.name in ALWAYS_REQUIRED or approvals["migrations"] == "required"
    return ApprovalPolicy(environment.name, required, approvals["approvers"])

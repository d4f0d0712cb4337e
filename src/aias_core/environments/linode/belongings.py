"""What of an account belongs to an environment, by tags where Linode keeps them and by exact names where not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from aias_core.environments.linode.kinds import KINDS, get_kind, is_ours
from aias_core.environments.linode.variables import list_key_labels

if TYPE_CHECKING:
    from aias_core.environments.linode.kinds import Kind, Resource
    from aias_core.environments.linode.target import LinodeEnvironment


def list_own(environment: LinodeEnvironment, kinds: Collection[str] = tuple(KINDS)) -> list[tuple[str, Resource]]:
    """What of the account belongs to an environment, with its kind."""
    return list(_iter_own(environment, kinds))


def _iter_own(environment: LinodeEnvironment, kinds: Collection[str]) -> Iterator[tuple[str, Resource]]:
    for kind in map(get_kind, kinds):
        for row in environment.opened.account.list_all(kind.path):
            if _is_own(environment, kind, row, environment.name):
                yield kind.name, row


def _is_own(environment: LinodeEnvironment, kind: Kind, row: Resource, name: str) -> bool:
    match kind.name:
        case "bucket":
            return is_own_bucket(environment, row)
        case "key":
            return str(row["label"]) in list_key_labels(environment.profile)
        case "vpc":
            return is_ours(kind, row, name) and str(row.get("description")) == f"aias environment {name}"
        case _:
            return is_ours(kind, row, name)


def is_own_bucket(environment: LinodeEnvironment, row: Resource) -> bool:
    """By the exact names of the profile: another environment may be called `<name>-…`."""
    prefix = f"{environment.profile.bucket_prefix}-{environment.name}-"
    return str(row["label"]) in {f"{prefix}{purpose}" for purpose in environment.profile.buckets}


def describe(row: Resource) -> str:
    """How people know a resource: its label with its id."""
    label = row.get("label") or row.get("domain")
    return f"'{label}' ({row['id']})" if "id" in row else f"'{label}'"

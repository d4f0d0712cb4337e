"""What a removal leaves where it is: data, what data needs, and the state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aias_core.environments.linode.kinds import KINDS

if TYPE_CHECKING:
    from aias_core.environments.linode.kinds import Resource
    from aias_core.environments.linode.target import LinodeEnvironment

Row = tuple[str, "Resource"]


def list_staying(environment: LinodeEnvironment, own: list[Row], *, volumes: bool) -> list[Row]:
    """What of an environment's own stays: the bucket of the state, and unless `volumes` all that holds data.

    A VPC stays with a database that is private to it.
    """
    networks = {network["vpc_id"] for network in _iter_networks(own)}

    def stays(kind: str, row: Resource) -> bool:
        if kind == "bucket" and row["label"] == environment.state_bucket:
            return True
        match kind:
            case "database" | "volume":
                return not volumes
            case "bucket":
                return not volumes and bool(row["objects"])
            case "vpc":
                return not volumes and row["id"] in networks
            case _:
                return False

    return [(kind, row) for kind, row in own if stays(kind, row)]


def list_paths_of(rows: list[Row]) -> set[str]:
    """Where the API has them, and the subnets that databases among them are in."""
    subnets = {f"{KINDS['vpc'].path}/{one['vpc_id']}/subnets/{one['subnet_id']}" for one in _iter_networks(rows)}
    return subnets | {f"{KINDS[kind].path}/{_identify(kind, row)}" for kind, row in rows}


def _identify(kind: str, row: Resource) -> str:
    return f"{row['region']}/{row['label']}" if kind == "bucket" else str(row["id"])


def _iter_networks(rows: list[Row]) -> Iterator[Resource]:
    yield from (row["private_network"] for kind, row in rows if kind == "database" and row.get("private_network"))

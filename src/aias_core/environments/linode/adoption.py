"""What exists already of what a plan would make: found by its label, taken over when it is ours.

Linode knows no idempotency keys, so a lost answer may hide something that was made and is billed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.kinds import get_kind, is_ours
from aias_core.environments.linode.terraform_plan import UNKNOWN
from aias_core.errors import Conflict, NotFound

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.terraform_plan import ResourceChange

CLUSTER, POOL, DATABASE = "linode_lke_cluster", "linode_lke_node_pool", "linode_database_postgresql_v2"
VPC, SUBNET, FIREWALL = "linode_vpc", "linode_vpc_subnet", "linode_firewall"
BUCKET, KEY = "linode_object_storage_bucket", "linode_object_storage_key"
DOMAIN, RECORD = "linode_domain", "linode_domain_record"
LOOKED_AFTER = (CLUSTER, POOL, DATABASE, BUCKET, VPC, FIREWALL)
_KINDS: Mapping[str, str] = {
    VPC: "vpc",
    FIREWALL: "firewall",
    CLUSTER: "cluster",
    DATABASE: "database",
    DOMAIN: "domain",
    BUCKET: "bucket",
    KEY: "key",
}


@dataclass(frozen=True, slots=True)
class _Child:
    path: str
    parent: str
    names: tuple[str, ...] = ("label",)


_CHILDREN: Mapping[str, _Child] = {
    SUBNET: _Child("/vpcs/{}/subnets", "vpc_id"),
    POOL: _Child("/lke/clusters/{}/pools", "cluster_id"),
    RECORD: _Child("/domains/{}/records", "domain_id", ("name", "record_type")),
}
_FIELDS = {"record_type": "type"}


@dataclass(frozen=True, slots=True)
class Existing:
    """A resource in the account: where Terraform and the API address it, and by what id an import names it."""

    address: str
    type: str
    label: str
    path: str
    identifier: str

    @property
    def is_adoptable(self) -> bool:
        """A key tells its secret only once, so one whose answer was lost is of no use to anybody."""
        return self.type != KEY

    def as_record(self) -> dict[str, Any]:
        return {"address": self.address, "label": self.label, "id": self.identifier}


def find_existing(account: LinodeAccount, changes: Sequence[ResourceChange], environment: str) -> list[Existing]:
    """What of the planned creations exists. Raises Conflict for a name that is taken by what is not ours.

    A child is looked for where its parent is known; once a parent is adopted, the next plan knows it.
    """
    return [one for change in changes if (one := _find(account, change, environment)) is not None]


def list_paths(kind: str, attributes: Mapping[str, Any]) -> str:
    """Where the API has a resource of a state."""
    identifier = str(attributes["id"])
    if kind in _CHILDREN:
        child = _CHILDREN[kind]
        return f"{child.path.format(attributes[child.parent])}/{identifier}"
    return f"{get_kind(_KINDS[kind]).path}/{identifier.replace(':', '/', 1) if kind == BUCKET else identifier}"


def is_known(kind: str) -> bool:
    """Whether it is of a type that an environment is made of."""
    return kind in _KINDS or kind in _CHILDREN


def _find(account: LinodeAccount, change: ResourceChange, environment: str) -> Existing | None:
    wanted = change.after or {}
    if change.type in _CHILDREN:
        return _find_child(account, change, wanted)
    if change.type not in _KINDS:
        return None
    kind = get_kind(_KINDS[change.type])
    label = str(wanted[kind.label_field])
    row = account.find_by_label(kind.name, label)
    if row is None:
        return None
    if not (
        _is_by_description(row, environment) if change.type == VPC else _is_by_name(kind, row, wanted, environment)
    ):
        raise Conflict(
            f"The {kind.name} '{label}' ({row.get('id', row.get('region'))}) exists and is not of this environment",
            hint="rename or delete it in the account, or give the environment another name",
        )
    identifier = f"{row['region']}:{label}" if change.type == BUCKET else str(row["id"])
    path = f"{kind.path}/{identifier.replace(':', '/', 1)}"
    return Existing(change.address, change.type, label, path, identifier)


def _find_child(account: LinodeAccount, change: ResourceChange, wanted: Mapping[str, Any]) -> Existing | None:
    child = _CHILDREN[change.type]
    parent = wanted.get(child.parent)
    if parent in (None, UNKNOWN):
        return None
    path = child.path.format(parent)
    try:
        found = [row for row in account.list_all(path) if _has_names(row, wanted, child.names)]
    except NotFound:  # the parent is gone, and took its children along
        return None
    if len(found) > 1:
        ids = ", ".join(str(row["id"]) for row in found)
        raise Conflict(f"There are {len(found)} of '{change.address}': {ids}", hint="delete the one that is not in use")
    return next((_existing_child(change, path, parent, row["id"]) for row in found), None)


def _existing_child(change: ResourceChange, path: str, parent: object, identifier: object) -> Existing:
    return Existing(change.address, change.type, change.name, f"{path}/{identifier}", f"{parent},{identifier}")


def _has_names(row: Mapping[str, Any], wanted: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    return all(row.get(_FIELDS.get(name, name)) == wanted.get(name) for name in names)


def _is_by_description(row: Mapping[str, Any], environment: str) -> bool:
    """VPCs bear no tags; ours say in their description whose they are."""
    return str(row.get("description", "")) == f"aias environment {environment}"


def _is_by_name(kind: Any, row: Mapping[str, Any], wanted: Mapping[str, Any], environment: str) -> bool:
    if kind.has_tags:
        return is_ours(kind, row, environment)
    return "region" not in wanted or row.get("region") == wanted["region"]


def iter_creations(changes: Sequence[ResourceChange]) -> Iterator[ResourceChange]:
    """The planned creations, replacements not among them."""
    return (change for change in changes if change.actions == ("create",))

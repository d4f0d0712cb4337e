"""What a run of `up` made, by its journal: the addresses it meant to create, and what of them is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.adoption import Existing, find_existing, iter_creations, list_paths
from aias_core.environments.linode.dangers import PRECIOUS

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.terraform_state import Instance
    from aias_core.environments.linode.workshop import Workshop

INFRASTRUCTURE = "infrastructure"


@dataclass(frozen=True, slots=True)
class Owned:
    """A resource that a run made; `name` is what a person types to agree to its loss."""

    address: str
    type: str
    name: str
    id: str
    path: str

    @property
    def is_precious(self) -> bool:
        return self.type in PRECIOUS

    def as_record(self) -> dict[str, Any]:
        return {"address": self.address, "name": self.name, "id": self.id}


def find_intended(journal: Journal, lease: Lease | None = None) -> dict[str, int]:
    """The addresses that a run meant to make, each with the line of its journal that says when."""
    found: dict[str, int] = {}
    for entry in journal.entries:
        if lease is not None and entry.fence != lease.fence:
            continue
        if entry.event == "intent" and entry.step == INFRASTRUCTURE:
            found |= {address: entry.seq for address in entry.details.get("creates", ()) if address not in found}
        elif entry.event == "intent" and entry.step.startswith("create "):
            found[entry.step.removeprefix("create ")] = entry.seq
    return found


def find_own(workshop: Workshop, account: LinodeAccount, environment: str, intended: Mapping[str, int]) -> list[Owned]:
    """What is there of what was intended, newest first: what has a known id, and what is found by its label."""
    known = [one for one in workshop.list_resources() if one.address in intended]
    # A refresh would ask for the kubeconfig, which a cluster that is not ready does not have.
    plan = workshop.plan(refresh=False)
    lost = [one for one in iter_creations(plan.changes) if one.address in intended]
    own = [*map(_own_known, known), *map(_own_found, find_existing(account, lost, environment))]
    return sorted(own, key=lambda one: intended[one.address], reverse=True)


def _own_known(one: Instance) -> Owned:
    name = str(one.attributes.get("label") or one.address)
    return Owned(one.address, one.type, name, one.id, list_paths(one.type, one.attributes))


def _own_found(one: Existing) -> Owned:
    return Owned(one.address, one.type, one.label, one.identifier, one.path)

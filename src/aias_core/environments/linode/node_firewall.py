"""Nodes of the standard tier behind their firewall: LKE knows none there, so instances are put behind it one by one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from aias_core.environments.linode.kinds import KINDS, label_of
from aias_core.errors import Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment


def list_unprotected(environment: LinodeEnvironment, nodes: Iterable[int]) -> list[int]:
    """The nodes that are not behind the firewall; none where LKE sees to it or there is no firewall."""
    return [] if (found := _find_firewall(environment)) is None else sorted({*nodes} - found[1])


def protect_nodes(environment: LinodeEnvironment, cluster_id: int, journal: Journal, say: Progress) -> None:
    """Puts the nodes that there are now behind the firewall. Raises Partial naming those that are not."""
    account = environment.opened.account
    found = _find_firewall(environment)
    if found is None:
        return
    firewall, protected = found
    missing = sorted(_list_nodes(account, cluster_id) - protected)
    if missing:
        say("Putting the new nodes behind their firewall…")
        with journal.step("node firewall", instances=missing):
            for number in missing:
                # Where the answer is lost, the firewall tells who is behind it.
                with suppress(Partial):
                    account.post(f"{KINDS['firewall'].path}/{firewall}/devices", {"type": "linode", "id": number})
            _check_protected(environment, missing)


def _check_protected(environment: LinodeEnvironment, nodes: list[int]) -> None:
    if left := list_unprotected(environment, nodes):
        raise Partial(
            f"Nodes of '{environment.name}' are open to the world: {', '.join(map(str, left))}",
            hint=f"put them behind their firewall: aias env up {environment.name}",
        )


def _list_nodes(account: LinodeAccount, cluster_id: int) -> set[int]:
    return {row["id"] for row in account.list_all("/linode/instances") if row.get("lke_cluster_id") == cluster_id}


def _find_firewall(environment: LinodeEnvironment) -> tuple[int, set[int]] | None:
    """Its id, and the instances behind it."""
    if environment.profile.cluster.tier != "standard":
        return None
    row = environment.opened.account.find_by_label("firewall", label_of(environment.name, "nodes"))
    if row is None:
        return None
    return int(row["id"]), {one["id"] for one in row["entities"] if one["type"] == "linode"}

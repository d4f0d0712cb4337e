"""What the workloads of a cluster have in the account: NodeBalancers and volumes, and how they are let go of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aias_core.environments.linode.belongings import describe
from aias_core.environments.linode.failures import RESUME
from aias_core.environments.linode.inventory import is_of_workload
from aias_core.environments.linode.kinds import KINDS, is_ours, label_of
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.usage import ClusterUse, make_ask, volume_id
from aias_core.environments.linode.variables import build_tags
from aias_core.errors import NotFound, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.keeping import Row
    from aias_core.environments.linode.kinds import Resource
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.secrets.cluster import Cluster

GONE_SECONDS, LOOK_SECONDS = 300.0, 3.0
_VOLUMES = "volumes"


@dataclass(frozen=True, slots=True)
class Holdings:
    """What those of one environment have in the account; whether it is all, or their cluster did not tell."""

    rows: list[Row]
    is_known: bool


def find_holdings(environment: LinodeEnvironment) -> Holdings:
    """Asks the cluster, and the journal of a removal that has removed it."""
    account = environment.opened.account
    cluster = account.find_by_label("cluster", label_of(environment.name))
    use = ClusterUse(frozenset(), frozenset()) if cluster is None else make_ask(account)(cluster)
    unfinished = environment.read_state().journals.find_unfinished(ONLOOKER)
    volumes = {*(_iter_noted(unfinished) if unfinished else ()), *(use.volumes if use else ())}
    addresses, cluster_id = set(use.addresses if use else ()), int(cluster["id"]) if cluster else None
    rows: list[Row] = [("volume", row) for row in account.list_all(KINDS["volume"].path) if row["id"] in volumes]
    for row in account.list_all(KINDS["nodebalancer"].path):
        if is_of_workload(row) and _is_of(row, cluster_id, addresses):
            rows.append(("nodebalancer", row))
    return Holdings(rows, use is not None)


@dataclass(frozen=True, slots=True)
class Workloads:
    """Those of one environment, while a run takes it down."""

    environment: LinodeEnvironment
    journal: Journal
    say: Progress

    def release(self, cluster: Cluster) -> None:
        """Frees the NodeBalancers, and notes which volumes there are: nobody can tell when the cluster is gone.

        Raises Partial with the ids of NodeBalancers that do not go.
        """
        ids = sorted(set(_iter_volume_ids(cluster)))
        if ids:
            with self.journal.step(_VOLUMES, ids=ids):
                pass
        self._free_balancers(cluster)

    def settle_volumes(self, *, removes: bool) -> list[str]:
        """After the cluster: removes the volumes, or has them bear the environment's tags; the removed ones.

        LKE takes tags away with a cluster, so they are set after it. Raises Partial with the id of one that stays
        attached or does not go.
        """
        noted, account = set(_iter_noted(self.journal)), self.environment.opened.account
        if not (noted or removes):
            return []
        removed = []
        for row in account.list_all(KINDS["volume"].path):
            is_own = is_ours(KINDS["volume"], row, self.environment.name)
            if removes and (is_own or row["id"] in noted):
                removed.append(self._remove(row))
            elif row["id"] in noted and not is_own:
                tags = build_tags(self.environment.profile, self.environment.name)
                with self.journal.step(f"tag volume {row['id']}"), suppress(NotFound):
                    account.update(_path(row), {"tags": sorted({*row["tags"], *tags})})
        return removed

    def _free_balancers(self, cluster: Cluster) -> None:
        services = [one for one in cluster.call("GET", "/api/v1/services")["items"] if _is_balanced(one)]
        addresses = {address for one in services for address in _iter_addresses(one)}
        row = self.environment.opened.account.find_by_label("cluster", label_of(self.environment.name))
        cluster_id = int(row["id"]) if row else None

        def list_left() -> list[str]:
            rows = self.environment.opened.account.list_all(KINDS["nodebalancer"].path)
            return [
                f"NodeBalancer {describe(one)}"
                for one in rows
                if is_of_workload(one) and _is_of(one, cluster_id, addresses)
            ]

        if not services and not list_left():
            return
        with self.journal.step("workloads", objects=[_service_path(one) for one in services]):
            for one in services:
                self.say(f"Removing '{_service_path(one)}'…")
                with suppress(NotFound):
                    cluster.call("DELETE", _service_path(one))
            self._wait_until_none(list_left, "freed")

    def _wait_until_none(self, list_left: Callable[[], list[str]], doing: str) -> None:
        timing = self.environment.timing
        deadline = timing.now() + GONE_SECONDS
        while left := list_left():
            if timing.now() >= deadline:
                raise Partial(
                    f"After {GONE_SECONDS / 60:.0f} minutes these are not {doing}: {', '.join(left)}",
                    hint=f"see what Linode says: aias env events {self.environment.name}; then {RESUME}",
                )
            self.say(f"Waiting until {', '.join(left)} is {doing}…")
            timing.sleep(LOOK_SECONDS)

    def _remove(self, row: Resource) -> str:
        account, title = self.environment.opened.account, f"volume {describe(row)}"

        def list_attached() -> list[str]:
            return [title] if (account.find(_path(row)) or {}).get("linode_id") is not None else []

        self._wait_until_none(list_attached, "detached")
        with self.journal.step(f"remove volume {row['id']}"):
            account.delete(_path(row))
            self._wait_until_none(lambda: [title] if account.find(_path(row)) else [], "removed")
        self.say(f"removed {title}")
        return title


def _iter_noted(journal: Journal) -> Iterator[int]:
    for entry in journal.entries:
        if entry.event == "intent" and entry.step == _VOLUMES:
            yield from entry.details["ids"]


def _iter_volume_ids(cluster: Cluster) -> Iterator[int]:
    for one in cluster.call("GET", "/api/v1/persistentvolumes")["items"]:
        handle = ((one.get("spec") or {}).get("csi") or {}).get("volumeHandle", "")
        if (number := volume_id(handle)) is not None:
            yield number


def _is_balanced(service: Resource) -> bool:
    return (service.get("spec") or {}).get("type") == "LoadBalancer"


def _iter_addresses(service: Resource) -> Iterator[str]:
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    yield from (one["ip"] for one in balancer.get("ingress") or () if "ip" in one)


def _is_of(balancer: Resource, cluster_id: int | None, addresses: set[str]) -> bool:
    told = (balancer.get("lke_cluster") or {}).get("id")
    return told == cluster_id if told is not None else balancer["ipv4"] in addresses


def _service_path(service: Resource) -> str:
    metadata = service["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}"


def _path(volume: Resource) -> str:
    return f"{KINDS['volume'].path}/{volume['id']}"

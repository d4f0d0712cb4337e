"""What there is in an account, as far as it takes to prove that something belongs to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aias_core.environments.linode.kinds import KINDS
from aias_core.environments.linode.usage import Ask, ClusterUse

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.kinds import Resource


@dataclass(frozen=True, slots=True)
class Inventory:
    """Rows by kind; pools and what each cluster uses by its id; back ends of suspicious NodeBalancers by theirs.

    Buckets and keys of ours begin with `bucket_prefix`.
    """

    rows: Mapping[str, list[Resource]]
    pools: Mapping[int, list[Resource]]
    uses: Mapping[int, ClusterUse | None]
    backends: Mapping[int, list[Resource]]
    records: Mapping[int, list[Resource]]
    bucket_prefix: str

    @property
    def addresses(self) -> set[str]:
        """Public addresses that the account has now."""
        return set(_iter_addresses([*self.rows["instance"], *self.rows["nodebalancer"]]))

    def is_every_cluster_known(self, region: str) -> bool:
        """Whether each cluster of a region told what it uses; where one did not, nothing there can be proven."""
        return all(self.uses[one["id"]] is not None for one in self.rows["cluster"] if one["region"] == region)

    def has_cluster_for(self, label: str) -> bool:
        """Whether a cluster is there whose environment a label may be of: an environment's name may hold a hyphen."""
        names = (str(one["label"]) for one in self.rows["cluster"])
        return any(label == name or label.startswith(f"{name}-") for name in names)


def read_inventory(account: LinodeAccount, ask: Ask, bucket_prefix: str) -> Inventory:
    """Reads the account and asks each of its clusters."""
    rows = {name: account.list_all(kind.path) for name, kind in KINDS.items()}
    clusters = rows["cluster"]
    suspects = [one for one in rows["nodebalancer"] if is_of_workload(one)]
    domains = [one for one in rows["domain"] if "aias" in one["tags"]]
    return Inventory(
        rows,
        {one["id"]: account.list_all(f"/lke/clusters/{one['id']}/pools") for one in clusters},
        {one["id"]: ask(one) for one in clusters},
        {one["id"]: list(_iter_backends(account, one)) for one in suspects},
        {one["id"]: account.list_all(f"/domains/{one['id']}/records") for one in domains},
        bucket_prefix,
    )


def is_of_workload(balancer: Resource) -> bool:
    """Whether the cloud controller of a cluster made it: it names them `ccm-…` and leaves no tags on them."""
    return str(balancer["label"]).startswith("ccm-")


def _iter_backends(account: LinodeAccount, balancer: Resource) -> Iterator[Resource]:
    path = f"/nodebalancers/{balancer['id']}/configs"
    for config in account.list_all(path):
        yield from account.list_all(f"{path}/{config['id']}/nodes")


def _iter_addresses(rows: list[Resource]) -> Iterator[str]:
    for row in rows:
        ipv4 = row.get("ipv4") or ()
        yield from [ipv4] if isinstance(ipv4, str) else ipv4
        if row.get("ipv6"):
            yield str(row["ipv6"]).partition("/")[0]

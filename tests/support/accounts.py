"""Random accounts, of which each part knows by how it was made whether it belongs to nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from aias_core.environments.linode.usage import ClusterUse
from aias_services.linode_simulator import engine
from aias_services.linode_simulator.world import Record
from support.fake_account import FakeAccount

REGIONS = ("fr-par", "de-fra-2")
ENVIRONMENTS = ("alpha", "alpha-2", "beta", "gone")
POLICIES = {"inbound_policy": "DROP", "outbound_policy": "ACCEPT"}


@dataclass
class RandomAccount:
    """An account that is being filled; `orphans` holds what can be proven to belong to nothing, as `kind id`."""

    fake: FakeAccount
    random: Random
    orphans: set[str] = field(default_factory=set)
    released: list[str] = field(default_factory=list)
    clusters: list[Record] = field(default_factory=list)
    silent: set[int] = field(default_factory=set)
    volumes: dict[int, set[int]] = field(default_factory=dict)
    addresses: dict[int, set[str]] = field(default_factory=dict)
    _number: int = 0

    def ask(self, cluster: dict[str, Any]) -> ClusterUse | None:
        number = cluster["id"]
        if number in self.silent:
            return None
        return ClusterUse(frozenset(self.volumes[number]), frozenset(self.addresses[number]))

    def fill(self) -> None:
        """Makes clusters first, because what else there is depends on them."""
        for environment in self.random.sample(ENVIRONMENTS[:3], self.random.randint(0, 3)):
            self._add_cluster(environment)
        makers = (self.add_volume, self.add_balancer, self.add_firewall, self.add_vpc, self.add_key, self.add_record)
        for make in (*makers, self.add_workspace):
            for _ in range(self.random.randint(0, 3)):
                make()

    def make(self, kind: str, parent: Record | None = None, **body: Any) -> Record:
        return engine.create(self.fake.world, kind, body, parent=parent)

    def accuse(self, kind: str, record: Record, verdict: bool = True) -> None:
        if verdict:
            self.orphans.add(f"{kind} {record.id}")

    def name(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _add_cluster(self, environment: str) -> None:
        tags = ["aias", f"env:{environment}", "managed-by:aias"]
        pool = {"type": "g6-standard-2", "count": 1}
        where = {"label": f"aias-{environment}", "region": self.random.choice(REGIONS), "k8s_version": "1.34"}
        cluster = self.make("lke_cluster", **where, tags=tags, node_pools=[pool])
        self.clusters.append(cluster)
        self.volumes[int(cluster.id)], self.addresses[int(cluster.id)] = set(), set()
        if self.random.random() < 0.2:
            self.silent.add(int(cluster.id))

    def is_known(self, region: str) -> bool:
        return not any(one.values["region"] == region and one.id in self.silent for one in self.clusters)

    def live(self, environment: str) -> bool:
        names = {one.values["label"] for one in self.clusters}
        return any(f"aias-{environment}".startswith(name) for name in names)

    def nodes(self, region: str) -> list[Record]:
        return [one for one in self.fake.world.iter("linode") if one.values["region"] == region]

    def there(self, region: str) -> list[Record]:
        return [one for one in self.clusters if one.values["region"] == region]

    def add_volume(self) -> None:
        region = self.random.choice(REGIONS)
        case = self.random.choice(("attached", "claimed", "personal", "lost"))
        body: dict[str, Any] = {"label": self.name("data" if case == "personal" else "pvc"), "region": region}
        if case == "attached" and (nodes := self.nodes(region)):
            body["linode_id"] = self.random.choice(nodes).id
        volume = self.make("volume", **body, size=self.random.randint(10, 100))
        clusters = self.there(region)
        if case == "claimed" and clusters:
            self.volumes[int(self.random.choice(clusters).id)].add(int(volume.id))
        elif case != "personal" and "linode_id" not in body:
            self.accuse("volume", volume, self.is_known(region))

    def add_balancer(self) -> None:
        region = self.random.choice(REGIONS)
        case = self.random.choice(("served", "backed", "listed", "personal", "lost", "cluster gone"))
        balancer = self.make(
            "nodebalancer", label=self.name("web-" if case == "personal" else "ccm-"), region=region, configs=[{}]
        )
        config = next(self.fake.world.children("nodebalancer_config", balancer))
        clusters, nodes = self.there(region), self.nodes(region)
        address = "192.168.200.9"
        if case == "backed" and nodes:
            address = self.random.choice(nodes).values["ipv4"][0]
        self.make("nodebalancer_node", config, label="node-1", address=f"{address}:31000")
        if case == "listed" and clusters:
            balancer.values["lke_cluster"] = {"id": self.random.choice(clusters).id}
        elif case == "served" and clusters:
            self.addresses[int(self.random.choice(clusters).id)].add(balancer.values["ipv4"])
        elif case == "cluster gone":
            balancer.values["lke_cluster"] = {"id": 499_000}
            self.accuse("nodebalancer", balancer)
        elif case not in ("personal",) and not (case == "backed" and nodes):
            self.accuse("nodebalancer", balancer, self.is_known(region))

    def add_firewall(self) -> None:
        environment, case = self.random.choice(ENVIRONMENTS), self.random.choice(("ours", "foreign", "used", "pool"))
        tags = [] if case == "foreign" else ["aias", f"env:{environment}", "managed-by:aias"]
        instances = list(self.fake.world.iter("linode"))
        firewall = self.make("firewall", label=f"aias-{environment}-{self.name('f')}", rules=POLICIES, tags=tags)
        pools = [one for one in self.fake.world.iter("lke_pool") if not one.values["firewall_id"]]
        if case == "pool" and pools:
            pools[0].values["firewall_id"] = firewall.id
            return
        free = [one for one in instances if not self._is_behind(one)]
        if case == "used" and free:
            self.make("firewall_device", firewall, type="linode", id=free[0].id)
            return
        self.accuse("firewall", firewall, case != "foreign" and not self.live(environment))

    def _is_behind(self, instance: Record) -> bool:
        return any(self.fake.world.iter("firewall_device", lambda one: one.values["id"] == instance.id))

    def add_vpc(self) -> None:
        environment, case = self.random.choice(ENVIRONMENTS), self.random.choice(("ours", "foreign", "member"))
        label = self.name("theirs-" if case == "foreign" else f"aias-{environment}-v")
        vpc = self.make("vpc", label=label, region="fr-par", subnets=[{"label": "nodes", "ipv4": "10.0.0.0/24"}])
        subnet = next(self.fake.world.children("vpc_subnet", vpc))
        if case == "member":
            member = [{"purpose": "vpc", "subnet_id": subnet.id}]
            self.make("linode", label=self.name("member"), region="fr-par", type="g6-nanode-1", interfaces=member)
        self.accuse("vpc", vpc, case == "ours" and not self.live(environment))

    def add_key(self) -> None:
        environment = self.random.choice(ENVIRONMENTS)
        case = self.random.choice(("everything", "bucket there", "bucket gone", "foreign"))
        body: dict[str, Any] = {"label": self.name("theirs" if case == "foreign" else f"aias-{environment}-k")}
        bucket = None
        if case != "everything":
            bucket = self.make("bucket", label=self.name("bucket-"), region="fr-par")
            access = {"bucket_name": bucket.values["label"], "region": "fr-par", "permissions": "read_write"}
            body["bucket_access"] = [access]
        key = self.make("storage_key", **body)
        if bucket and case in ("bucket gone", "foreign"):
            engine.delete(self.fake.world, bucket)
        self.accuse("key", key, case == "bucket gone" and not self.live(environment))

    def add_record(self) -> None:
        case = self.random.choice(("present", "released", "never ours", "foreign zone"))
        tags = [] if case == "foreign zone" else ["aias", "env:alpha", "managed-by:aias"]
        zone = f"{self.name('zone')}.example.com"
        domain = self.make("domain", domain=zone, type="master", soa_email="ops@example.com", tags=tags)
        nodes, target = list(self.fake.world.iter("linode")), f"203.0.113.{self._number % 250}"
        if case == "present" and nodes:
            target = nodes[0].values["ipv4"][0]
            self.released.append(target)
        elif case in ("released", "foreign zone"):
            self.released.append(target)
        record = self.make("domain_record", domain, type="A", name="api", target=target)
        self.accuse("dns record", record, case == "released")

    def add_workspace(self) -> None:
        case = self.random.choice(("expired", "running", "no end", "not ours", "unreadable"))
        tags = ["aias", "managed-by:aias", "owner:jane"]
        ends = {"expired": "2026-01-01T00:00:00Z", "running": "2999-01-01T00:00:00Z", "unreadable": "soon"}
        tags = [*tags, f"expires:{ends[case]}"] if case in ends else tags
        tags = ["expires:2026-01-01T00:00:00Z"] if case == "not ours" else tags
        label = self.name("aias-workspace-")
        instance = self.make("linode", label=label, region="fr-par", type="g6-nanode-1", tags=tags)
        self.accuse("instance", instance, case == "expired")

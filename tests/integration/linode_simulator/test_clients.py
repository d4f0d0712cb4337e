"""The real clients against the fake: linode-api4 and linode-cli, as an operator uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from linode_api4 import ApiError, LinodeClient, LKENodePool, Region
from linode_api4.objects import VPC, Firewall, LKECluster, Volume

from support.linode import TOKEN, Simulator, simulator


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Simulator]:
    with simulator(tmp_path) as started:
        yield started


@pytest.fixture
def client(running: Simulator) -> LinodeClient:
    return LinodeClient(TOKEN, base_url=f"{running.url}/v4", retry_rate_limit_interval=0.1)


def test_linode_api4_makes_and_removes_an_environment(client: LinodeClient, running: Simulator) -> None:
    network = client.vpcs.create("aias-development", "fr-par", subnets=[{"label": "nodes", "ipv4": "10.0.0.0/24"}])
    cluster = client.lke.cluster_create(
        "fr-par", "aias-development", "1.34", client.lke.node_pool("g6-standard-4", 2), tags=["aias"]
    )
    pool = cluster.node_pool_create("g2-gpu-rtx4000a1-s", 1, labels={"node-type": "gpu"})
    rules = {"inbound": [], "inbound_policy": "DROP", "outbound": [], "outbound_policy": "ACCEPT"}
    firewall = client.networking.firewall_create("aias-development", rules)
    bucket = client.object_storage.bucket_create("fr-par", "aias-development-state")
    key = client.object_storage.keys_create("state", bucket_access=[
        {"region": "fr-par", "bucket_name": bucket.label, "permissions": "read_write"}
    ])  # fmt: skip
    assert (len(cluster.pools), len(pool.nodes), network.subnets[0].ipv4) == (2, 1, "10.0.0.0/24")
    assert key.secret_key
    assert client.lke.clusters(LKECluster.label == "aias-development")[0].id == cluster.id
    assert [one.id for one in client.vpcs(VPC.region == "fr-par")] == [network.id]
    cluster.k8s_version = "1.35"
    cluster.save()
    pool.count = 2
    pool.save()
    assert (
        client.load(LKECluster, cluster.id).k8s_version.id,
        len(client.load(LKENodePool, pool.id, cluster.id).nodes),
    ) == ("1.35", 2)
    assert client.load(Firewall, firewall.id).rules.inbound_policy == "DROP"
    for one in (key, bucket, firewall, cluster, network):
        assert one.delete()
    ledger = httpx.get(f"{running.url}/v4/__simulator/ledger").json()
    assert [charge["kind"] for charge in ledger["billed_now"]] == ["object_storage"]
    assert ledger["billed_twice"] == []


def test_linode_api4_reads_every_page_and_raises_what_is_refused(client: LinodeClient) -> None:
    for number in range(120):
        client.domain_create(f"d{number}.example.com", soa_email="ops@example.com")
    client.volume_create("disk-7", "fr-par")
    assert len(list(client.domains())) == 120
    assert [one.label for one in client.volumes(Volume.label == "disk-7")] == ["disk-7"]
    assert "GPU Linodes" in client.load(Region, "fr-par").capabilities
    with pytest.raises(ApiError, match="Label must be unique among your volumes") as refused:
        client.volume_create("disk-7", "fr-par")
    assert refused.value.status == 400


def test_linode_api4_repeats_what_the_ceiling_refused(client: LinodeClient, running: Simulator) -> None:
    rule = {"kind": "429", "method": "GET", "path": "/vpcs", "times": 2}
    httpx.post(f"{running.url}/v4/__simulator/faults", json=rule)
    assert list(client.vpcs()) == []
    calls = httpx.get(f"{running.url}/v4/__simulator/calls").json()
    assert [call["status"] for call in calls if call["path"] == "/vpcs"] == [429, 429, 200]


class Cli:
    """linode-cli as a process."""

    def __init__(self, running: Simulator, directory: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "LINODE_CLI_TOKEN": TOKEN,
            "LINODE_CLI_API_HOST": running.host,
            "LINODE_CLI_API_SCHEME": "http",
            "LINODE_CLI_API_VERSION": "v4",
            "LINODE_CLI_CONFIG": str(directory / "linode-cli"),
            "LINODE_CLI_SUPPRESS_VERSION_WARNING": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "linodecli", *arguments, "--json", "--no-defaults"]
        return subprocess.run(argv, env=self._environment, capture_output=True, text=True, timeout=60)

    def read(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout or "null")


def test_linode_cli_walks_through_the_life_of_a_cluster(running: Simulator, tmp_path: Path) -> None:
    cli = Cli(running, tmp_path)
    made = cli.read(
        "lke", "cluster-create", "--label", "aias-cli", "--region", "fr-par", "--k8s_version", "1.34",
        "--node_pools.type", "g6-standard-4", "--node_pools.count", "3", "--tags", "aias",
    )  # fmt: skip
    cluster = str(made[0]["id"])
    assert [one["label"] for one in cli.read("lke", "clusters-list", "--label", "aias-cli")] == ["aias-cli"]
    pools = cli.read("lke", "pools-list", cluster)
    assert {pool["id"] for pool in pools} == {pools[0]["id"]}
    cli.read("lke", "pool-update", cluster, str(pools[0]["id"]), "--count", "1")
    assert len(cli.read("linodes", "list")) == 1
    assert cli.read("lke", "kubeconfig-view", cluster)[0]["kubeconfig"]
    cli.run("lke", "cluster-delete", cluster)
    assert cli.read("lke", "clusters-list") == []


def test_linode_cli_tells_what_was_refused_and_repeats_408(running: Simulator, tmp_path: Path) -> None:
    cli = Cli(running, tmp_path)
    refused = cli.run("volumes", "create", "--label", "disk", "--region", "fr-par", "--size", "3")
    assert refused.returncode == 2
    assert "Must be 10-16384" in refused.stderr + refused.stdout
    rule = {"kind": "408", "method": "GET", "path": "/volumes", "retry_after": "0"}
    httpx.post(f"{running.url}/v4/__simulator/faults", json=rule)
    assert cli.read("volumes", "list") == []
    calls = httpx.get(f"{running.url}/v4/__simulator/calls").json()
    assert [call["status"] for call in calls if call["method"] == "GET"] == [408, 200]


@pytest.mark.parametrize(
    "arguments",
    [
        ("regions", "list"),
        ("linodes", "types"),
        ("firewalls", "list"),
        ("databases", "types"),
        ("object-storage", "endpoints"),
        ("events", "list"),
        ("profile", "view"),
        ("account", "view"),
    ],
    ids=" ".join,
)
def test_linode_cli_reads(running: Simulator, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert isinstance(Cli(running, tmp_path).read(*arguments), list)

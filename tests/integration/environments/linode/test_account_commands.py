"""The commands that ask an account, from the command line to a fake Linode and the Kubernetes API of its cluster."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from kubernetes import client, config

from aias_cli.main import run
from aias_core.environments.linode.simulation import ensure_simulation, stop_simulation
from support.linode import TOKEN, Simulator, simulator

DAY = 86_400
CLUSTER = {
    "label": "aias-development",
    "region": "fr-par",
    "k8s_version": "1.34",
    "tags": ["aias", "env:development", "managed-by:aias"],
    "node_pools": [{"type": "g6-standard-4", "count": 2, "tags": ["aias", "env:development"]}],
}


@pytest.fixture(scope="module")
def linode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
def api(linode: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{linode.url}/v4", headers={"Authorization": f"Bearer {TOKEN}"}) as api:
        api.post("/__simulator/reset").raise_for_status()
        yield api


@pytest.fixture
def place(linode: Simulator, tmp_path: Path) -> Path:
    """A directory with a profile whose account is the fake one."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    content = {"extends": "development", "account": {"api_url": linode.url}}
    (profiles / "development.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


@dataclass
class Line:
    """The command line, in this process."""

    place: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *argv: str, token: str | None = TOKEN) -> Done:
        self.monkeypatch.chdir(self.place)
        self.monkeypatch.setenv("LINODE_TOKEN", token) if token else self.monkeypatch.delenv("LINODE_TOKEN", False)
        code = run(["env", *argv, "--config", "profiles", "--no-input"])
        said = self.capsys.readouterr()
        return Done(code, said.out, said.err)

    def read(self, *argv: str, code: int = 0) -> Any:
        done = self.run(*argv, "-o", "json")
        assert done.code == code, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return json.loads(done.stdout)


@dataclass
class Done:
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def line(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(place, monkeypatch, capsys)


def test_cost_is_the_price_of_each_part_and_of_all(line: Line, api: httpx.Client) -> None:
    found = line.read("cost", "development")
    assert found["schema"] == "aias.env.cost/1"
    assert {one["kind"]: one["monthly"] for one in found["resources"]} == {
        "control plane": "0.00",
        "node": "96.00",
        "database": "68.00",
        "object storage": "5.00",
    }
    assert found["monthly"] == "169.00"
    table = line.run("cost", "development")
    assert "total" in table.stdout
    assert "Not included" in table.stderr


def test_actual_cost_comes_from_the_invoices(line: Line, api: httpx.Client) -> None:
    api.post("/lke/clusters", json=CLUSTER).raise_for_status()
    api.post("/__simulator/clock", json={"seconds": 32 * DAY})
    found = line.read("cost", "development", "--actual")
    assert found["invoices"]
    for invoice in found["invoices"]:
        assert invoice["environment"] == invoice["account"] != "0.00"


def test_quota_ends_with_8_when_the_environment_would_not_fit(line: Line, api: httpx.Client) -> None:
    found = line.read("quota", "development")
    assert {one["kind"]: one["limit"] for one in found["kinds"]}["instance"] == "unknown"
    content = yaml.safe_load((line.place / "profiles" / "development.yaml").read_text())
    (line.place / "profiles" / "development.yaml").write_text(yaml.safe_dump({**content, "limits": {"instance": 1}}))
    assert "short" in {one["verdict"] for one in line.read("quota", "development", code=8)["kinds"]}


def test_orphans_asks_the_clusters_what_they_use(line: Line, api: httpx.Client) -> None:
    core = kubernetes(api)
    used, lost = (api.post("/volumes", json={"label": f"pvc{n}", "region": "fr-par"}).json() for n in (1, 2))
    claim(core, used)
    serve(core)
    assert len(api.get("/nodebalancers").json()["data"]) == 1
    found = line.read("orphans", "development", code=10)
    assert [(one["kind"], one["id"], one["monthly"]) for one in found["orphans"]] == [("volume", lost["id"], "2.00")]
    assert line.read("orphans", "development", "--delete", "--yes", code=10)["orphans"]

    let_a_day_pass(line.place)
    refused = line.run("orphans", "development", "--delete")
    assert refused.code == 6
    assert "pvc2" in refused.stderr
    assert line.read("orphans", "development", "--delete", "--yes")["orphans"] == []
    assert [one["label"] for one in api.get("/volumes").json()["data"]] == ["pvc1"]


def test_a_cluster_that_cannot_be_asked_protects_what_it_may_use(line: Line, api: httpx.Client) -> None:
    kubernetes(api)
    api.post("/volumes", json={"label": "pvc1", "region": "fr-par"})
    acl = {"acl": {"enabled": True, "addresses": {"ipv4": ["203.0.113.0/24"]}}}
    api.put(f"/lke/clusters/{cluster_id(api)}/control_plane_acl", json=acl).raise_for_status()
    assert line.read("orphans", "development")["orphans"] == []


def test_events_are_listed_and_followed(line: Line, api: httpx.Client) -> None:
    api.post("/lke/clusters", json=CLUSTER).raise_for_status()
    found = line.read("events", "development")
    assert "lke_cluster_create" in {one["action"] for one in found["events"]}
    argv = [sys.executable, "-m", "aias_cli", "env", "events", "development", "--follow", "--config", "profiles"]
    with subprocess.Popen(
        [*argv, "-o", "json"],
        cwd=line.place,
        env={**os.environ, "LINODE_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout
        assert json.loads(following.stdout.readline())["action"]
        following.send_signal(signal.SIGINT)
        following.communicate()
    assert following.returncode == 130


@pytest.mark.parametrize("command", ["cost", "quota", "orphans", "events"])
def test_without_a_token_each_ends_with_3_and_says_where_it_belongs(line: Line, command: str) -> None:
    done = line.run(command, "development", token=None)
    assert done.code == 3
    assert "LINODE_TOKEN" in done.stderr


@pytest.mark.parametrize("command", ["cost", "quota", "orphans", "events"])
def test_a_token_that_is_not_valid_ends_with_3(line: Line, command: str) -> None:
    done = line.run(command, "development", token="revoked")
    # Prices are public: a cost needs no valid token.
    assert done.code == (0 if command == "cost" else 3)
    assert "revoked" not in done.stdout + done.stderr.replace("expired or revoked", "")


def test_an_environment_on_this_machine_has_no_account(line: Line) -> None:
    done = line.run("cost", "local")
    assert done.code == 6
    assert "not on Linode" in done.stderr


def test_a_simulated_environment_needs_no_token_and_says_what_it_is(line: Line, tmp_path: Path) -> None:
    directory = tmp_path / ".aias" / "staging"
    try:
        ensure_simulation(directory, pace=0)
        done = line.run("quota", "staging", "-o", "json", token=None)
    finally:
        stop_simulation(directory, forget=True)
    assert (done.code, json.loads(done.stdout)["environment"]) == (0, "staging")
    assert "simulated" in done.stderr


def cluster_id(api: httpx.Client) -> int:
    return int(api.get("/lke/clusters").json()["data"][0]["id"])


def kubernetes(api: httpx.Client) -> client.CoreV1Api:
    made = api.post("/lke/clusters", json=CLUSTER).json()
    encoded = api.get(f"/lke/clusters/{made['id']}/kubeconfig").json()["kubeconfig"]
    return client.CoreV1Api(config.new_client_from_config_dict(yaml.safe_load(base64.b64decode(encoded))))


def claim(core: client.CoreV1Api, volume: dict[str, Any]) -> None:
    csi = {"driver": "linodebs.csi.linode.com", "volumeHandle": f"{volume['id']}-{volume['label']}"}
    spec = {"capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"], "csi": csi}
    core.create_persistent_volume(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume["label"]}, "spec": spec}
    )


def serve(core: client.CoreV1Api) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "edge"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
    }
    core.create_namespaced_service("default", body)


def let_a_day_pass(place: Path) -> None:
    """As if every suspect had been seen a day earlier."""
    file = place / ".aias" / "orphans.json"
    content = json.loads(file.read_text())
    for account in content.values():
        account["suspects"] = dict.fromkeys(account["suspects"], "2026-01-01T00:00:00.000000Z")
    file.write_text(json.dumps(content))

from __future__ import annotations

from pathlib import Path

from support.clusters import make_cluster
from support.environments import CommandLine
from support.linode import Simulator
from support.secret_steps import MODELS, NAMESPACE


def test_the_commands_take_an_operator_through_it(running: Simulator, tmp_path: Path) -> None:
    cluster = make_cluster(running.url, ["sealed-secrets", NAMESPACE, MODELS, "observability"])
    (tmp_path / "kubeconfig").write_text(cluster.kubeconfig.reveal())
    line = CommandLine(tmp_path, {"AIAS_KUBECONFIG": "kubeconfig"})
    assert line.fault("secrets", "status", "development", code=10)["hint"].endswith(
        "aias secrets bootstrap development"
    )
    made = line.json("secrets", "bootstrap", "development", code=9)["secrets"]
    assert {row["state"] for row in made} == {"generated", "missing"}
    listed = {row["name"] for row in line.json("secrets", "list", "development")["secrets"]}
    assert listed == {row["name"] for row in made}
    cluster.deploy("observability", "grafana")
    assert line.fault("secrets", "rotate", "development", "grafana-admin", code=6)["hint"].endswith("--yes")
    rotated = line.json("secrets", "rotate", "development", "grafana-admin", "--yes")["secrets"]
    assert [row["consumers"] for row in rotated] == [["grafana"]]
    value = cluster.values("observability", "grafana-admin")["value"]
    shown = line.run("secrets", "status", "development", code=10)
    assert value not in shown.stdout + shown.stderr

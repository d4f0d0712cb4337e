"""Secrets of an environment, and what is done to them in a cluster."""

from __future__ import annotations

from typing import Any

from aias_core.secrets.bootstrap import Outcome, bootstrap_secrets
from aias_core.secrets.cluster import open_cluster
from aias_core.secrets.declared import DeclaredSecret, Secrets
from aias_core.secrets.rotation import Rotation
from aias_core.secrets.status import read_status
from support.clusters import FakeCluster

NAMESPACE, MODELS = "env-development", "env-development-models"


def declare(name: str, **more: Any) -> DeclaredSecret:
    given = {"owner": "data", "purpose": "test", "source": None, "rotation_days": 30, "generator": "password"}
    given |= {"consumers": (), "namespaces": (NAMESPACE,), "kind": "confidential"}
    return DeclaredSecret(name=name, **{**given, **more})


def bootstrap(secrets: Secrets, cluster: FakeCluster) -> dict[str, Outcome]:
    with open_cluster(cluster.kubeconfig) as opened:
        return {one.name: one for one in bootstrap_secrets(secrets, opened, lambda _: None)}


def rotate(secrets: Secrets, cluster: FakeCluster, name: str | None = None, seconds: float = 5) -> list[str]:
    with open_cluster(cluster.kubeconfig) as opened:
        done = Rotation(secrets, opened, lambda _: None, seconds).rotate_chosen(name)
        return [one.name for one in done]


def drift(secrets: Secrets, cluster: FakeCluster) -> dict[str, tuple[str, str]]:
    with open_cluster(cluster.kubeconfig) as opened:
        return {one.secret.name: (one.state, one.drift) for one in read_status(secrets, opened)}


def deploy(cluster: FakeCluster, *, paused: bool = False) -> None:
    cluster.deploy(NAMESPACE, "router", paused=paused)
    cluster.deploy(NAMESPACE, "nats")

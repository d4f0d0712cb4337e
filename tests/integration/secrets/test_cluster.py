from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest
import yaml

from aias_core.errors import DependencyUnreachable, NotFound, PrerequisiteMissing, Refused
from aias_core.secret import Secret
from aias_core.secrets.bootstrap import bootstrap_secrets
from aias_core.secrets.cluster import open_cluster
from aias_core.secrets.controller_keys import back_up_keys
from aias_core.secrets.declared import Secrets
from aias_core.secrets.rotation import Rotation
from support.clusters import FakeCluster, make_cluster
from support.linode import Simulator
from support.secret_steps import MODELS, NAMESPACE, bootstrap


def test_the_cluster_of_another_environment_is_refused_and_nothing_is_written(
    secrets: Secrets, running: Simulator
) -> None:
    other = make_cluster(running.url, ["sealed-secrets", NAMESPACE, MODELS], environment="staging")
    before = other.versions()
    with open_cluster(other.kubeconfig) as opened:
        rotation = Rotation(secrets, opened, lambda _: None)
        for act in (
            lambda: bootstrap_secrets(secrets, opened, lambda _: None),
            lambda: rotation.rotate_chosen("registry"),
            lambda: rotation.rotate_chosen(None, sealing_key=True),
            lambda: back_up_keys(secrets, opened),
        ):
            with pytest.raises(Refused, match="'staging', not of 'development'"):
                act()
    assert other.versions() == before
    assert not list(secrets.directory.glob("*.age"))


def test_without_a_namespace_or_controller_nothing_is_pretended(secrets: Secrets, running: Simulator) -> None:
    with pytest.raises(NotFound, match="no sealed-secrets key"):
        bootstrap(secrets, make_cluster(running.url, [NAMESPACE]))
    with pytest.raises(NotFound, match=NAMESPACE):
        bootstrap(secrets, make_cluster(running.url, ["sealed-secrets"]))


def test_a_cluster_that_is_away_or_refuses_ends_with_3(secrets: Secrets, cluster: FakeCluster) -> None:
    kubeconfig = yaml.safe_load(cluster.kubeconfig.reveal())
    kubeconfig["users"][0]["user"]["token"] = "0" * 40
    with pytest.raises(PrerequisiteMissing, match="refuses"):
        bootstrap(secrets, replace(cluster, kubeconfig=Secret(yaml.safe_dump(kubeconfig))))
    kubeconfig["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    with pytest.raises(DependencyUnreachable):
        bootstrap(secrets, replace(cluster, kubeconfig=Secret(yaml.safe_dump(kubeconfig))))


def test_a_cluster_that_hangs_up_is_asked_once() -> None:
    asked: list[bytes] = []

    def hang_up(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, args=(server,), daemon=True).start()
        with open_cluster(build_kubeconfig(server.getsockname()[1])) as cluster, pytest.raises(DependencyUnreachable):
            cluster.find("/api/v1/namespaces/env-development")
        server.shutdown(socket.SHUT_RDWR)
    assert len(asked) == 1


def build_kubeconfig(port: int) -> Secret:
    document = {
        "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "x", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    return Secret(yaml.safe_dump(document))

from __future__ import annotations

import socket
import threading

import pytest
import yaml

from aias_core.errors import DependencyUnreachable
from aias_core.secret import Secret
from aias_core.secrets.cluster import open_cluster


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

"""A cluster of the fake Linode, whose controller opens what was sealed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aias_core.secrets.declared import Secrets
from support.clusters import FakeCluster, make_cluster
from support.linode import Simulator, simulator
from support.secret_steps import MODELS, NAMESPACE, declare


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("simulator")) as started:
        yield started


@pytest.fixture
def cluster(running: Simulator) -> FakeCluster:
    return make_cluster(running.url, ["sealed-secrets", NAMESPACE, MODELS])


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    declared = [
        declare("nats", consumers=("router", "nats")),
        declare("registry", namespaces=(NAMESPACE, MODELS)),
        declare("token", source="secret://env/TEST_TOKEN", generator="external"),
        declare("state-backup", generator="hex32", namespaces=()),
    ]
    return Secrets("development", tmp_path / "development", {one.name: one for one in declared})


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TEST_TOKEN", "t0ken-from-outside")
    return "t0ken-from-outside"

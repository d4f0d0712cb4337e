from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from aias_core.errors import AiasError, Conflict, Refused
from aias_core.secret import Secret
from aias_core.secrets.bootstrap import bootstrap_secrets
from aias_core.secrets.cluster import Cluster, open_cluster
from aias_core.secrets.declared import Secrets
from aias_core.secrets.delivery import Place, deliver
from aias_core.secrets.status import find_fault, read_status
from support.clusters import FakeCluster
from support.sealing import make_certificate, make_key
from support.secret_steps import MODELS, NAMESPACE, bootstrap, drift


def test_a_value_changed_by_hand_in_the_cluster_is_seen(secrets: Secrets, cluster: FakeCluster) -> None:
    bootstrap(secrets, cluster)
    with open_cluster(cluster.kubeconfig) as opened:
        deliver(opened, Place(MODELS, "registry"), {"value": Secret("by-hand-0815")})
    assert drift(secrets, cluster)["registry"] == ("ok", "differs")
    assert bootstrap(secrets, cluster)["registry"].state == "delivered"
    assert cluster.values(MODELS, "registry")["previous"] == "by-hand-0815"
    assert drift(secrets, cluster)["registry"] == ("ok", "rotating")
    with open_cluster(cluster.kubeconfig) as opened:
        fault = find_fault(read_status(secrets, opened), "development")
    assert fault is not None
    assert fault.hint == "go on with: aias secrets rotate development registry"


def test_a_secret_that_the_controller_did_not_make_is_not_overwritten_until_it_is_handed_over(
    secrets: Secrets, cluster: FakeCluster
) -> None:
    cluster.write_secret(NAMESPACE, "nats", "by-hand-0815")
    with pytest.raises(Conflict, match="did not make it") as raised:
        bootstrap(secrets, cluster)
    assert "annotate secret nats sealedsecrets.bitnami.com/managed=true" in str(raised.value.hint)
    assert cluster.values(NAMESPACE, "nats") == {"value": "by-hand-0815"}
    cluster.hand_over(NAMESPACE, "nats")
    assert bootstrap(secrets, cluster)["nats"].state == "delivered"
    assert cluster.values(NAMESPACE, "nats")["value"] != "by-hand-0815"


def test_a_placeholder_is_refused_by_its_secrets_name_and_one_that_was_there_is_replaced(
    secrets: Secrets, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TEST_TOKEN", "changeme")
    with pytest.raises(Refused, match="'token' is a placeholder") as raised:
        bootstrap(secrets, cluster)
    assert "source" in str(raised.value.hint)
    with open_cluster(cluster.kubeconfig) as opened:
        deliver(opened, Place(NAMESPACE, "token"), {"value": Secret(token), "previous": Secret("changeme")})
    assert cluster.values(NAMESPACE, "token") == {"value": token, "previous": "changeme"}


def test_a_certificate_that_is_not_the_controllers_fails_loudly(secrets: Secrets, cluster: FakeCluster) -> None:
    cluster.replace_sealing_key(make_certificate(make_key(9)))
    with pytest.raises(AiasError, match="cannot open"):
        bootstrap(secrets, cluster)


class Lagging(Cluster):
    """The first look after a write shows what the controller said of the object before."""

    before: ClassVar[list[Any]] = []

    def apply_sealed(self, manifest: Mapping[str, Any]) -> None:
        metadata = manifest["metadata"]
        found = self.find_sealed(metadata["namespace"], metadata["name"])
        Cluster.apply_sealed(self, manifest)
        self.before.append((found or {}).get("status"))

    def find_values(self, namespace: str, name: str) -> dict[str, Secret] | None:
        return None if self.before else Cluster.find_values(self, namespace, name)

    def find_sealed(self, namespace: str, name: str) -> dict[str, Any] | None:
        found = Cluster.find_sealed(self, namespace, name)
        return {**found, "status": self.before.pop()} if found and self.before else found


def test_what_was_refused_before_is_no_verdict_on_what_is_new(secrets: Secrets, cluster: FakeCluster) -> None:
    with open_cluster(cluster.kubeconfig) as opened:
        right = opened.sealing_certificate()
        cluster.replace_sealing_key(make_certificate(make_key(9)))
        with pytest.raises(AiasError, match="cannot open"):
            bootstrap(secrets, cluster)
        cluster.replace_sealing_key(right)
        outcomes = bootstrap_secrets(secrets, Lagging(opened.api), lambda _: None)
    assert {one.state for one in outcomes} == {"delivered", "generated"}

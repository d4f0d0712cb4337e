from __future__ import annotations

import pytest

from aias_core.errors import LockHeld, Partial
from aias_core.secrets.bootstrap import bootstrap_secrets, find_missing
from aias_core.secrets.cluster import open_cluster
from aias_core.secrets.controller_keys import back_up_keys
from aias_core.secrets.declared import Secrets
from aias_core.secrets.private import exclusive
from aias_core.secrets.status import read_status
from support.clusters import FakeCluster
from support.secret_steps import MODELS, NAMESPACE, bootstrap, drift, rotate


def test_the_first_run_generates_and_delivers_and_the_second_writes_nothing(
    secrets: Secrets, cluster: FakeCluster, token: str
) -> None:
    first = bootstrap(secrets, cluster)
    assert {name: one.state for name, one in first.items()} == {
        "nats": "generated",
        "registry": "generated",
        "token": "delivered",
        "state-backup": "generated",
    }
    values = cluster.values(NAMESPACE, "registry")
    assert values == cluster.values(MODELS, "registry")
    assert len(values["value"]) == 32
    assert cluster.values(NAMESPACE, "token") == {"value": token}
    before, file = cluster.versions(), (secrets.directory / "secrets.age").read_bytes()
    assert {one.state for one in bootstrap(secrets, cluster).values()} == {"unchanged"}
    assert (cluster.versions(), (secrets.directory / "secrets.age").read_bytes()) == (before, file)
    assert set(drift(secrets, cluster).values()) == {("ok", "none")}


def test_no_value_is_in_what_is_told_or_kept_in_the_open(secrets: Secrets, cluster: FakeCluster, token: str) -> None:
    told: list[str] = []
    with open_cluster(cluster.kubeconfig) as opened:
        outcomes = bootstrap_secrets(secrets, opened, told.append)
        told += [str(one.as_record()) for one in [*outcomes, *read_status(secrets, opened)]]
    value = cluster.values(NAMESPACE, "nats")["value"]
    sealed = cluster.sealed(NAMESPACE, "nats")
    assert not any(value in text or token in text for text in [*told, str(sealed)])
    assert not any(value.encode() in path.read_bytes() for path in secrets.directory.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets.directory.iterdir())


def test_git_sees_nothing_of_it_and_nobody_else_changes_it_meanwhile(secrets: Secrets, cluster: FakeCluster) -> None:
    bootstrap(secrets, cluster)
    assert (secrets.directory / ".gitignore").read_text() == "*\n"
    with exclusive(secrets.directory):
        with pytest.raises(LockHeld):
            bootstrap(secrets, cluster)
        with pytest.raises(LockHeld):
            rotate(secrets, cluster, "nats")
        with open_cluster(cluster.kubeconfig) as opened, pytest.raises(LockHeld):
            back_up_keys(secrets, opened)


def test_what_has_to_come_from_outside_is_named_and_the_rest_is_done(
    secrets: Secrets, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_TOKEN")
    outcomes = bootstrap(secrets, cluster)
    assert outcomes["token"].state == "missing"
    assert cluster.values(NAMESPACE, "nats")
    fault = find_missing(list(outcomes.values()))
    assert isinstance(fault, Partial)
    assert "token" in fault.message

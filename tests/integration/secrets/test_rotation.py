from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aias_core import clock
from aias_core.errors import Partial, Refused
from aias_core.keyring import Keyring
from aias_core.secret import Secret
from aias_core.secrets.cluster import open_cluster
from aias_core.secrets.declared import Secrets
from aias_core.secrets.delivery import fingerprint
from aias_core.secrets.rotation import Rotation
from aias_core.secrets.status import find_fault, read_status
from support.clusters import FakeCluster
from support.secret_steps import NAMESPACE, bootstrap, declare, deploy, drift, rotate


def test_a_rotation_ends_with_one_new_value_that_every_consumer_has_loaded(
    secrets: Secrets, cluster: FakeCluster
) -> None:
    bootstrap(secrets, cluster)
    deploy(cluster)
    old = cluster.values(NAMESPACE, "nats")["value"]
    assert rotate(secrets, cluster, "nats") == ["nats"]
    values = cluster.values(NAMESPACE, "nats")
    assert values.keys() == {"value"}
    assert values["value"] != old
    assert "aias.dev/secret-nats" in cluster.marks(NAMESPACE, "router")
    assert drift(secrets, cluster)["nats"] == ("ok", "none")


def test_a_consumer_that_does_not_reload_leaves_both_values_and_the_next_run_ends_it(
    secrets: Secrets, cluster: FakeCluster
) -> None:
    bootstrap(secrets, cluster)
    deploy(cluster, paused=True)
    old = cluster.values(NAMESPACE, "nats")["value"]
    with pytest.raises(Partial, match="'router' did not reload"):
        rotate(secrets, cluster, "nats", seconds=0)
    both = cluster.values(NAMESPACE, "nats")
    assert both["previous"] == old
    assert both["value"] != old
    assert drift(secrets, cluster)["nats"] == ("ok", "rotating")
    cluster.resume(NAMESPACE, "router")
    rotate(secrets, cluster, "nats")
    assert cluster.values(NAMESPACE, "nats") == {"value": both["value"]}


@pytest.mark.parametrize("consumer", ["router", "nats"])
def test_a_consumer_that_does_not_reload_after_the_old_value_is_retired_is_waited_for_by_the_next_run(
    secrets: Secrets, cluster: FakeCluster, consumer: str
) -> None:
    bootstrap(secrets, cluster)
    deploy(cluster)

    def pause(said: str) -> None:
        if "retiring" in said:
            cluster.pause(NAMESPACE, consumer)

    with open_cluster(cluster.kubeconfig) as opened, pytest.raises(Partial, match="is retired") as raised:
        Rotation(secrets, opened, pause, reload_seconds=0).rotate_chosen("nats")
    assert "stays valid" not in raised.value.message
    left = cluster.values(NAMESPACE, "nats")
    assert left.keys() == {"value"}
    with pytest.raises(Partial, match=f"'{consumer}' did not reload"):
        rotate(secrets, cluster, "nats", seconds=0)
    cluster.resume(NAMESPACE, consumer)
    assert rotate(secrets, cluster, "nats") == ["nats"]
    assert cluster.values(NAMESPACE, "nats") == left
    marks = {cluster.marks(NAMESPACE, one)["aias.dev/secret-nats"] for one in ("router", "nats")}
    assert marks == {fingerprint("nats", Secret(left["value"]))}
    rotate(secrets, cluster, "nats")
    assert cluster.values(NAMESPACE, "nats") != left


def test_access_lost_between_two_steps_leaves_both_values_and_the_next_run_ends_it(
    secrets: Secrets, cluster: FakeCluster
) -> None:
    bootstrap(secrets, cluster)
    deploy(cluster)
    old = cluster.values(NAMESPACE, "nats")["value"]

    def lose_access(said: str) -> None:
        if "reload" in said:
            cluster.revoke()

    with open_cluster(cluster.kubeconfig) as opened, pytest.raises(Partial, match="refuses this access"):
        Rotation(secrets, opened, lose_access).rotate_chosen("nats")
    with open_cluster(cluster.read_kubeconfig()) as opened:
        both = opened.find_values(NAMESPACE, "nats") or {}
        assert both["previous"].reveal() == old
        Rotation(secrets, opened, lambda _: None).rotate_chosen("nats")
        assert opened.find_values(NAMESPACE, "nats") == {"value": both["value"]}


def test_a_consumer_that_is_not_there_is_not_taken_for_one_that_reloaded(
    secrets: Secrets, cluster: FakeCluster
) -> None:
    bootstrap(secrets, cluster)
    old = cluster.values(NAMESPACE, "nats")["value"]
    with pytest.raises(Partial, match="'router' is not in"):
        rotate(secrets, cluster, "nats")
    assert cluster.values(NAMESPACE, "nats")["previous"] == old


def test_a_rotation_that_died_after_it_made_the_new_value_does_not_make_another(
    secrets: Secrets, cluster: FakeCluster
) -> None:
    bootstrap(secrets, cluster)
    deploy(cluster)
    made = secrets.origin(secrets.get("nats")).renew().value.reveal()
    rotate(secrets, cluster, "nats")
    assert cluster.values(NAMESPACE, "nats") == {"value": made}


def test_a_value_from_outside_is_rotated_when_its_source_has_another(
    secrets: Secrets, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap(secrets, cluster)
    with pytest.raises(Refused, match="cannot be generated"):
        rotate(secrets, cluster, "token")
    monkeypatch.setenv("TEST_TOKEN", "t0ken-number-two")
    assert rotate(secrets, cluster, "token") == ["token"]
    assert cluster.values(NAMESPACE, "token") == {"value": "t0ken-number-two"}
    with pytest.raises(Refused, match="no namespace"):
        rotate(secrets, cluster, "state-backup")


def test_a_ring_of_keys_is_renewed_by_its_own_command(secrets: Secrets, cluster: FakeCluster) -> None:
    ring = replace(secrets, declared={"hash-keys": declare("hash-keys", generator="keyring")})
    bootstrap(ring, cluster)
    made = cluster.values(NAMESPACE, "hash-keys")
    assert Keyring.parse(Secret(made["value"])).by_id.keys() == {"k1"}
    with pytest.raises(Refused) as raised:
        rotate(ring, cluster, "hash-keys")
    assert "aias db hash rotate --from OLD --to NEW" in (raised.value.hint or "")
    assert cluster.values(NAMESPACE, "hash-keys") == made


def test_only_what_is_overdue_is_renewed(
    secrets: Secrets, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = clock.now() + timedelta(days=28)
    bootstrap(secrets, cluster)
    assert rotate(secrets, cluster) == []
    monkeypatch.setattr(clock, "now", lambda: later)
    assert {state for state, _ in drift(secrets, cluster).values()} == {"due soon"}
    secrets.origin(secrets.get("registry")).renew()
    rotate(secrets, cluster, "registry")
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(days=3))
    states = {name: state for name, (state, _) in drift(secrets, cluster).items()}
    assert states == {"nats": "overdue", "registry": "ok", "token": "overdue", "state-backup": "overdue"}
    with open_cluster(cluster.kubeconfig) as opened:
        fault = find_fault(read_status(secrets, opened), "development")
    assert fault is not None
    assert (int(fault.exit_code), "nats" in fault.message) == (10, True)
    deploy(cluster)
    with pytest.raises(Partial, match="1 of 2"):
        rotate(secrets, cluster)
    assert drift(secrets, cluster)["nats"] == ("ok", "none")

"""Secrets of an environment in a cluster of the fake Linode, whose controller opens what was sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from aias_core import clock
from aias_core.errors import (
    AiasError,
    Conflict,
    DependencyUnreachable,
    DifferenceFound,
    InvalidInput,
    LockHeld,
    NotFound,
    NothingRan,
    Partial,
    PrerequisiteMissing,
    Refused,
)
from aias_core.keyring import Keyring
from aias_core.secret import Secret
from aias_core.secrets.bootstrap import Outcome, bootstrap_secrets, find_missing
from aias_core.secrets.cluster import Cluster, open_cluster
from aias_core.secrets.controller_keys import back_up_keys, check_files, find_unopened
from aias_core.secrets.declared import DeclaredSecret, Secrets
from aias_core.secrets.delivery import Place, deliver, fingerprint
from aias_core.secrets.private import exclusive
from aias_core.secrets.rotation import Rotation
from aias_core.secrets.status import find_fault, read_status
from support.clusters import FakeCluster, make_cluster
from support.environments import CommandLine
from support.linode import Simulator, simulator
from support.sealing import make_certificate, make_key

NAMESPACE, MODELS = "env-development", "env-development-models"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("simulator")) as started:
        yield started


@pytest.fixture
def cluster(running: Simulator) -> FakeCluster:
    return make_cluster(running.url, ["sealed-secrets", NAMESPACE, MODELS])


def declare(name: str, **more: Any) -> DeclaredSecret:
    given = {"owner": "data", "purpose": "test", "source": None, "rotation_days": 30, "generator": "password"}
    given |= {"consumers": (), "namespaces": (NAMESPACE,), "kind": "confidential"}
    return DeclaredSecret(name=name, **{**given, **more})


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


def test_without_a_namespace_or_controller_nothing_is_pretended(secrets: Secrets, running: Simulator) -> None:
    with pytest.raises(NotFound, match="no sealed-secrets key"):
        bootstrap(secrets, make_cluster(running.url, [NAMESPACE]))
    with pytest.raises(NotFound, match=NAMESPACE):
        bootstrap(secrets, make_cluster(running.url, ["sealed-secrets"]))


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


def test_a_cluster_that_is_away_or_refuses_ends_with_3(secrets: Secrets, cluster: FakeCluster) -> None:
    kubeconfig = yaml.safe_load(cluster.kubeconfig.reveal())
    kubeconfig["users"][0]["user"]["token"] = "0" * 40
    with pytest.raises(PrerequisiteMissing, match="refuses"):
        bootstrap(secrets, replace(cluster, kubeconfig=Secret(yaml.safe_dump(kubeconfig))))
    kubeconfig["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    with pytest.raises(DependencyUnreachable):
        bootstrap(secrets, replace(cluster, kubeconfig=Secret(yaml.safe_dump(kubeconfig))))


def deploy(cluster: FakeCluster, *, paused: bool = False) -> None:
    cluster.deploy(NAMESPACE, "router", paused=paused)
    cluster.deploy(NAMESPACE, "nats")


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


def test_the_keys_of_the_controller_are_kept_and_open_what_git_has(
    secrets: Secrets, cluster: FakeCluster, running: Simulator, tmp_path: Path
) -> None:
    bootstrap(secrets, cluster)
    committed = tmp_path / "nats.yaml"
    committed.write_text(yaml.safe_dump_all([{"kind": "Namespace"}, cluster.sealed(NAMESPACE, "nats")]))
    assert [(one.secret, one.opens) for one in check_files(secrets, [committed])] == [(f"{NAMESPACE}/nats", True)]
    assert b"PRIVATE KEY" not in (secrets.directory / "sealing-keys.age").read_bytes()
    other = make_cluster(running.url, ["sealed-secrets", NAMESPACE, MODELS])
    fresh = replace(secrets, directory=tmp_path / "fresh")
    bootstrap(fresh, other)
    lost = check_files(fresh, [committed])
    assert isinstance(find_unopened(lost), DifferenceFound)
    with open_cluster(other.kubeconfig) as opened:
        assert back_up_keys(fresh, opened) == []
    with pytest.raises(NotFound, match="no backup"):
        check_files(replace(secrets, directory=tmp_path / "empty"), [committed])
    sealed = cluster.sealed(NAMESPACE, "nats")
    committed.write_text(yaml.safe_dump({**sealed, "spec": {**sealed["spec"], "encryptedData": {}}}))
    assert not check_files(secrets, [committed])[0].opens
    committed.write_text(yaml.safe_dump({"kind": "Namespace"}))
    assert isinstance(find_unopened(check_files(secrets, [committed])), NothingRan)
    committed.write_text(yaml.safe_dump({"kind": "SealedSecret", "metadata": {"name": "nats"}}))
    with pytest.raises(InvalidInput, match="namespace"):
        check_files(secrets, [committed])


def test_sealing_anew_changes_what_is_sealed_and_no_value(secrets: Secrets, cluster: FakeCluster) -> None:
    bootstrap(secrets, cluster)
    values, sealed = cluster.values(NAMESPACE, "nats"), cluster.sealed(NAMESPACE, "nats")["spec"]
    with open_cluster(cluster.kubeconfig) as opened:
        done = Rotation(secrets, opened, lambda _: None).rotate_chosen(None, sealing_key=True)
    assert len(done) == 4
    assert cluster.values(NAMESPACE, "nats") == values
    assert cluster.sealed(NAMESPACE, "nats")["spec"] != sealed


def test_a_key_of_the_state_is_made_once(secrets: Secrets) -> None:
    made = secrets.ensure_value("state-backup")
    assert secrets.ensure_value("state-backup") == made == secrets.get_value("state-backup")
    assert len(bytes.fromhex(made.reveal())) == 32
    with pytest.raises(NotFound):
        secrets.get_value("nats")


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

"""A ring of keys: the operator adds a key to it, and a rotation brings it to its consumers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from aias_core import clock
from aias_core.errors import Partial, Refused
from aias_core.secret import Secret
from aias_core.secrets.bootstrap import bootstrap_secrets
from aias_core.secrets.cluster import open_cluster
from aias_core.secrets.declared import FILE, IDENTITY, DeclaredSecret, Secrets
from aias_core.secrets.delivery import fingerprint
from aias_core.secrets.encrypted import EncryptedFile
from aias_core.secrets.generators import generate
from aias_core.secrets.rotation import Rotation
from aias_core.secrets.status import find_fault, read_status
from support.clusters import FakeCluster, make_cluster
from support.linode import simulator

NAMESPACE = "env-development"


def declare(name: str, generator: str, *namespaces: str) -> DeclaredSecret:
    return DeclaredSecret(name, "identity", "test", None, 30, generator, ("router",) * len(namespaces), namespaces, "x")


@dataclass
class Operator:
    """Somebody at the command line, what he declared, and what he was told."""

    cluster: FakeCluster
    secrets: Secrets
    told: list[str] = field(default_factory=list)

    def bootstrap(self) -> None:
        with open_cluster(self.cluster.kubeconfig) as opened:
            bootstrap_secrets(self.secrets, opened, self.told.append)

    def rotate(self, name: str | None = None, seconds: float = 5) -> list[str]:
        with open_cluster(self.cluster.kubeconfig) as opened:
            done = Rotation(self.secrets, opened, self.told.append, seconds).rotate_chosen(name)
        return [one.name for one in done]

    def add_key(self) -> str:
        """What the ring is then; the old key stays in it."""
        file = EncryptedFile(self.secrets.directory / FILE, self.secrets.directory / IDENTITY)
        added = generate("hex32").reveal()[:8]
        ring = f"{file.get('ring').value.reveal()},k2:{added}"
        return file.put("ring", Secret(ring)).value.reveal()

    def read_hint(self) -> str | None:
        with open_cluster(self.cluster.kubeconfig) as opened:
            fault = find_fault(read_status(self.secrets, opened), "development")
        return None if fault is None else fault.hint

    def values(self, name: str = "ring") -> dict[str, str]:
        return self.cluster.values(NAMESPACE, name)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulator(tmp_path_factory.mktemp("simulator")) as started:
        yield started.url


@pytest.fixture
def operator(address: str, tmp_path: Path) -> Operator:
    cluster = make_cluster(address, ["sealed-secrets", NAMESPACE])
    cluster.deploy(NAMESPACE, "router")
    declared = [
        declare("password", "password", NAMESPACE),
        declare("ring", "keyring", NAMESPACE),
        declare("state-backup", "hex32"),
    ]
    operator = Operator(cluster, Secrets("development", tmp_path, {one.name: one for one in declared}))
    operator.bootstrap()
    return operator


@pytest.mark.parametrize("is_brought", [True, False], ids=["after bootstrap", "at once"])
def test_a_key_that_was_added_to_a_ring_is_brought_to_its_consumers(operator: Operator, is_brought: bool) -> None:
    ring = operator.add_key()
    if is_brought:
        operator.bootstrap()
        assert operator.read_hint() == "go on with: aias secrets rotate development ring"
    assert operator.rotate("ring") == ["ring"]
    assert operator.values() == {"value": ring}
    marks = operator.cluster.marks(NAMESPACE, "router")
    assert marks["aias.dev/secret-ring"] == fingerprint("ring", Secret(ring))
    assert operator.read_hint() is None


def test_a_ring_whose_consumer_did_not_reload_is_gone_on_with(operator: Operator) -> None:
    ring = operator.add_key()
    operator.cluster.pause(NAMESPACE, "router")
    with pytest.raises(Partial, match="did not reload"):
        operator.rotate("ring", seconds=0)
    operator.cluster.resume(NAMESPACE, "router")
    assert operator.rotate("ring") == ["ring"]
    assert operator.values() == {"value": ring}


def test_no_new_ring_is_made_in_place_of_one_in_use(operator: Operator) -> None:
    before = operator.values()
    with pytest.raises(Refused, match="ring of keys") as raised:
        operator.rotate("ring")
    assert "aias db hash rotate --from OLD --to NEW" in (raised.value.hint or "")
    assert operator.values() == before


def test_what_is_renewed_by_hand_is_left_out_of_what_is_due(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    later, before = clock.now() + timedelta(days=31), operator.values()
    monkeypatch.setattr(clock, "now", lambda: later)
    assert operator.read_hint() == "renew them: aias secrets rotate development --due"
    assert operator.rotate() == ["password"]
    assert operator.read_hint() == "see how to: aias secrets rotate development --due"
    notes = [said for said in operator.told if "by hand" in said]
    assert [said.partition(" ")[0] for said in notes] == ["'ring'", "'state-backup'"]
    assert "aias secrets rotate development ring; aias db hash rotate --from" in notes[0]
    assert operator.values() == before
    assert operator.rotate() == []


def test_a_workload_that_was_told_by_an_earlier_version_is_not_taken_for_one_that_waits(operator: Operator) -> None:
    old = operator.values("password")["value"]
    with open_cluster(operator.cluster.kubeconfig) as opened:
        opened.restart(NAMESPACE, "router", "aias.dev/secret-password", fingerprint("password", Secret(old)))
    operator.rotate("password")
    assert operator.values("password")["value"] != old

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aias_core import clock
from aias_core.environments.linode.inventory import read_inventory
from aias_core.environments.linode.orphans import OrphanHunt, Orphans
from aias_core.environments.linode.proofs import iter_suspects
from aias_core.environments.linode.quarantine import FILE
from aias_core.environments.linode.usage import ClusterUse, volume_id
from aias_core.errors import DifferenceFound, Partial, PrerequisiteMissing
from aias_services.linode_simulator.ledger import document
from support.accounts import RandomAccount
from support.fake_account import make_account

ACCOUNTS, BATCHES = 1_000, 20
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_nobody_is_accused_falsely_and_none_is_missed(batch: int) -> None:
    for seed in range(batch * ACCOUNTS // BATCHES, (batch + 1) * ACCOUNTS // BATCHES):
        fake = make_account(enforce_rates=False)
        account = RandomAccount(fake, Random(seed))
        account.fill()
        inventory = read_inventory(fake.account, account.ask, "aias")
        released = set(account.released) - inventory.addresses
        assert {one.key for one in iter_suspects(inventory, released, NOW)} == account.orphans, f"seed {seed}"


class Scene:
    """A fake account, a hunt in it, and a clock that can be moved."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake, self.now, self.directory = make_account(version="v4beta"), clock.now(), directory
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.hunt = OrphanHunt(self.fake.account, directory, directory / "development", lambda _: self.use, "acme")
        self.use: ClusterUse | None = ClusterUse(frozenset(), frozenset())

    def pass_hours(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    def add_volume(self, label: str = "pvc1", **more: Any) -> dict[str, Any]:
        return self.fake.account.create("volume", {"label": label, "region": "fr-par", "size": 50, **more})

    def keys(self) -> list[str]:
        return [one.suspect.key for one in self.hunt.find().found]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def delete_all(scene: Scene, found: Orphans) -> Orphans:
    return scene.hunt.delete(found.found, lambda _: None)


def test_each_line_has_its_price_and_the_whole_ends_with_10(scene: Scene) -> None:
    scene.add_volume()
    scene.fake.account.create("nodebalancer", {"label": "ccm-1", "region": "id-cgk"})
    found = scene.hunt.find()
    assert {one["kind"]: one["monthly"] for one in found.as_record()["orphans"]} == {
        "volume": "5.00",
        "nodebalancer": "12.00",
    }
    fault = found.find_difference()
    assert isinstance(fault, DifferenceFound)
    assert "17.00" in fault.message
    assert Orphans([]).find_difference() is None


def test_a_volume_that_was_kept_with_its_data_is_not_accused(scene: Scene) -> None:
    scene.add_volume(tags=["aias", "env:development", "managed-by:aias"])
    assert scene.keys() == []


def test_nothing_is_deleted_in_its_first_day(scene: Scene) -> None:
    scene.add_volume()
    found = scene.hunt.find()
    scene.pass_hours(23.9)
    assert (len(delete_all(scene, found).found), scene.fake.account.count("/volumes")) == (1, 1)
    scene.pass_hours(0.2)
    assert (len(delete_all(scene, found).found), scene.fake.account.count("/volumes")) == (0, 0)
    assert document(scene.fake.world)["billed_now"] == []


def test_what_was_used_meanwhile_begins_its_day_anew(scene: Scene) -> None:
    volume = scene.add_volume()
    scene.fake.account.create(
        "cluster",
        {
            "label": "x",
            "region": "fr-par",
            "k8s_version": "1.34",
            "node_pools": [{"type": "g6-standard-2", "count": 1}],
        },
    )
    assert scene.keys() == [f"volume {volume['id']}"]
    scene.use = ClusterUse(frozenset({volume["id"]}), frozenset())
    scene.pass_hours(20)
    assert scene.keys() == []
    scene.use = ClusterUse(frozenset(), frozenset())
    scene.pass_hours(20)
    assert scene.hunt.find().ripe == []


def test_a_deletion_looks_again_before_it_deletes(scene: Scene) -> None:
    volume = scene.add_volume()
    scene.hunt.find()
    scene.pass_hours(25)
    found = scene.hunt.find()
    (instance,) = [
        scene.fake.account.create("instance", {"label": "new-one", "region": "fr-par", "type": "g6-nanode-1"})
    ]
    scene.fake.account.post(f"/volumes/{volume['id']}/attach", {"linode_id": instance["id"]})
    delete_all(scene, found)
    assert scene.fake.account.count("/volumes") == 1


def test_only_what_was_agreed_to_is_deleted(scene: Scene) -> None:
    scene.add_volume("pvc1")
    scene.add_volume("pvc2")
    scene.hunt.find()
    scene.pass_hours(25)
    found = scene.hunt.find()
    scene.hunt.delete(found.found[:1], lambda _: None)
    assert [row["label"] for row in scene.fake.account.list_all("/volumes")] == ["pvc2"]


def test_a_deletion_that_lingers_is_awaited_and_one_that_is_refused_is_named(scene: Scene) -> None:
    scene.add_volume("pvc1")
    scene.hunt.find()
    scene.pass_hours(25)
    scene.fake.fail("linger", method="DELETE", seconds=20)
    found = scene.hunt.find()
    assert delete_all(scene, found).found == []
    assert sum(scene.fake.pauses) >= 20
    volume = scene.add_volume("pvc2")
    scene.hunt.find()
    scene.pass_hours(25)
    scene.fake.account.post(
        "/locks", {"entity_id": volume["id"], "entity_type": "volume", "lock_type": "cannot_delete"}
    )
    with pytest.raises(Partial, match=r"'pvc2'.*locked"):
        delete_all(scene, scene.hunt.find())


def test_a_record_is_stale_only_when_the_address_was_seen_here_before(scene: Scene) -> None:
    account, tags = scene.fake.account, ["aias", "env:development", "managed-by:aias"]
    balancer = account.create("nodebalancer", {"label": "edge", "region": "fr-par"})
    zone = account.create("domain", {"domain": "d.example.com", "type": "master", "soa_email": "a@b.cd", "tags": tags})
    for target in (balancer["ipv4"], "203.0.113.1"):
        account.post(f"/domains/{zone['id']}/records", {"type": "A", "name": "api", "target": target})
    assert scene.keys() == []
    account.delete(f"/nodebalancers/{balancer['id']}")
    found = scene.hunt.find().as_record()["orphans"]
    assert [(one["kind"], one["label"], one["monthly"]) for one in found] == [
        ("dns record", "api.d.example.com", "0.00")
    ]
    assert balancer["ipv4"] in found[0]["proof"]
    scene.pass_hours(24)
    delete_all(scene, scene.hunt.find())
    (left,) = account.list_all(f"/domains/{zone['id']}/records")
    assert left["target"] == "203.0.113.1"


def test_a_key_is_ours_by_the_prefix_of_the_buckets(scene: Scene) -> None:
    account = scene.fake.account
    pools = [{"type": "g6-standard-2", "count": 1}]
    where = {"region": "fr-par", "k8s_version": "1.34", "node_pools": pools}
    account.create("cluster", {"label": "aias-live", **where})
    bucket = account.create("bucket", {"label": "acme-gone-exports", "region": "fr-par"})
    access = [{"bucket_name": bucket["label"], "region": "fr-par", "permissions": "read_write"}]
    labels = ("acme-gone-services", "acme-live-services", "aias-gone-services")
    keys = {label: account.create("key", {"label": label, "bucket_access": access}) for label in labels}
    assert scene.keys() == []
    account.delete(f"/object-storage/buckets/fr-par/{bucket['label']}")
    assert scene.keys() == [f"key {keys['acme-gone-services']['id']}"]


def test_a_damaged_memory_is_said_and_nothing_is_deleted(scene: Scene) -> None:
    scene.hunt.find()
    (scene.directory / FILE).write_text("{")
    with pytest.raises(PrerequisiteMissing, match="orphans"):
        scene.hunt.find()


def test_accounts_do_not_share_their_memory(scene: Scene) -> None:
    scene.add_volume()
    scene.hunt.find()
    content = json.loads((scene.directory / FILE).read_text())
    (scene.directory / FILE).write_text(json.dumps({"http://elsewhere": content["http://linode.test"]}))
    scene.pass_hours(25)
    assert scene.hunt.find().ripe == []


@pytest.mark.parametrize(("handle", "number"), [("123-pvc0a1b", 123), ("pvc0a1b", None), ("", None)])
def test_a_handle_names_its_volume(handle: str, number: int | None) -> None:
    assert volume_id(handle) == number

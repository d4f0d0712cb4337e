"""An upgrade of Kubernetes: in which order, where it stops, and how the same command goes on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.maintenance import begin_maintenance
from aias_core.environments.linode.nodes import Node, cordon_node, list_nodes
from aias_core.environments.linode.rollback import RollbackOptions
from aias_core.environments.linode.target import LinodeEnvironment
from aias_core.environments.linode.up import UpOptions
from aias_core.environments.linode.upgrading import Upgrade, Upgraded, UpgradeOptions, upgrade_nodes
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import AiasError, ConfirmationNeeded, InvalidInput, LockHeld, Partial, Refused, TimedOut
from support.campaign import NAME, Account

SPACE = "/api/v1/namespaces/env-small"
BUDGETS = "/apis/policy/v1/namespaces/env-small/poddisruptionbudgets"
NOT_JOINED = "(not joined); waiting"
DEVICES = "/networking/firewalls/*/devices"
RECYCLE = "/lke/clusters/*/nodes/*/recycle"


@dataclass
class Upgrading:
    """An environment that is up, with a profile that may be written."""

    account: Account
    own: Path
    said: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.own / f"{NAME}.yaml"

    def open(self) -> LinodeEnvironment:
        profile = load_profile(NAME, self.own)
        assert isinstance(profile, LinodeProfile)
        self.account.profile = profile
        return self.account.environment()

    def upgrade(self, version: str | None = None, consent: Any = lambda _: None, **options: Any) -> Upgraded:
        return upgrade_nodes(self.open, self.own, UpgradeOptions(version, **options), consent, self.said.append)

    def nodes(self) -> list[Node]:
        return list_nodes(self.open())

    def versions(self) -> dict[str, str]:
        return {one.pool: one.version for one in self.nodes()}

    def plane(self) -> str:
        return str(self.open().opened.account.list_all("/lke/clusters")[0]["k8s_version"])

    def kubernetes(self, method: str, path: str, body: Any = None) -> Any:
        with open_access(self.open().opened.account, NAME) as cluster:
            assert cluster is not None
            return cluster.call(method, path, body)

    def pin_pod(self, node: str) -> None:
        """Starts a pod on a node that its budget does not let go."""
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "1", "controller": True}
        metadata = {"name": "needed", "labels": {"app": "x"}, "ownerReferences": [owner]}
        spec = {"nodeName": node, "containers": [{"name": "x", "image": "registry.example.org/x:1"}]}
        self.kubernetes("POST", f"{SPACE}/pods", _document("v1", "Pod", metadata, spec))
        budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
        self.kubernetes("POST", BUDGETS, _document("policy/v1", "PodDisruptionBudget", {"name": "x"}, budget))

    def make_more(self) -> None:
        """Gives a pool three nodes."""
        text = self.file.read_text()
        self.file.write_text(text.replace("g6-standard-2, count: 1", "g6-standard-2, count: 3"))
        self.open().up(UpOptions(), lambda _: None, lambda _: None)

    def lose_new(self, pool: str) -> None:
        """Takes the new nodes of a pool out of the cluster, as if they had not joined."""
        for one in self.nodes():
            if one.name and one.pool == pool and one.version == "v1.35.1":
                self.kubernetes("DELETE", f"/api/v1/nodes/{one.name}")

    def replace_lost(self, said: str) -> None:
        """What LKE may do by itself with a node that is waited for."""
        if NOT_JOINED in said:
            account = self.open().opened.account
            (cluster,) = account.list_all("/lke/clusters")
            (lost,) = (one.id for one in self.nodes() if not one.name)
            account.post(f"/lke/clusters/{cluster['id']}/nodes/{lost}/recycle")

    def writes(self) -> list[str]:
        calls = self.account.control("GET", "calls")
        return [f"{call['method']} {call['path']}" for call in calls if call["method"] != "GET"]


def _document(version: str, kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


@pytest.fixture
def there(account: Account) -> Upgrading:
    shutil.copytree(account.directory.parent / "profiles", account.directory / "profiles")
    found = Upgrading(account, account.directory / "profiles")
    found.open().up(UpOptions(), lambda _: None, lambda _: None)
    account.control("DELETE", "calls")
    return found


def test_the_control_plane_comes_first_and_then_pool_by_pool(there: Upgrading) -> None:
    before = there.nodes()
    asked: list[Upgrade] = []
    upgraded = there.upgrade(consent=asked.append)
    (upgrade,) = asked
    assert (upgrade.before, upgrade.version, list(upgrade.nodes)) == ("1.34", "1.35", before)
    steps = [one for one in there.writes() if one.endswith("/recycle") or one.startswith("PUT /lke/clusters/")]
    cluster = f"/lke/clusters/{there.open().opened.account.list_all('/lke/clusters')[0]['id']}"
    assert steps == [f"PUT {cluster}", *(f"POST {cluster}/nodes/{one.id}/recycle" for one in before)]
    assert there.versions() == {"general": "v1.35.1", "extra": "v1.35.1"}
    assert (upgraded.pools, upgraded.replaced) == (["general", "extra"], [one.title for one in before])


def test_an_upgrade_leaves_no_drift_and_nothing_for_the_next_up(there: Upgrading) -> None:
    there.upgrade("1.35")
    environment = there.open()
    assert environment.profile.cluster.version == "1.35"
    assert environment.survey().plan.is_empty
    assert environment.drift().severity == "none"
    there.account.control("DELETE", "calls")
    assert there.upgrade("1.35").as_record()["changed"] is False
    assert there.writes() == []


def test_its_version_of_the_state_can_be_gone_back_to(there: Upgrading) -> None:
    there.upgrade("1.35")
    environment = there.open()
    newest = environment.state.versions.find_newest()
    assert newest is not None
    back = environment.rollback(RollbackOptions(newest.name, "C-7"), lambda _: None, lambda _: None)
    assert (back.profile_differs, back.drift.severity, there.plane()) == ([], "none", "1.35")


def test_a_pod_that_does_not_leave_stops_it_and_the_same_command_goes_on(there: Upgrading) -> None:
    extra = there.nodes()[1]
    there.pin_pod(extra.name)
    with pytest.raises(TimedOut, match="env-small/needed") as stopped:
        there.upgrade(seconds=60)
    assert "Pools at 1.35: general; not yet: extra" in stopped.value.message
    assert "aias env nodes upgrade small --to 1.35" in str(stopped.value.hint)
    assert (there.plane(), there.versions()) == ("1.35", {"general": "v1.35.1", "extra": "v1.34.1"})
    assert [one.is_cordoned for one in there.nodes()] == [False, True]
    assert there.open().profile.cluster.version == "1.35"
    with pytest.raises(Refused, match="are still behind"):
        there.upgrade("1.36")
    there.kubernetes("DELETE", f"{SPACE}/pods/needed")
    assert there.upgrade().replaced == [extra.title]
    assert there.versions() == {"general": "v1.35.1", "extra": "v1.35.1"}


def test_what_linode_does_not_do_is_partial_and_gone_on_with(there: Upgrading) -> None:
    there.account.control("POST", "faults", {"kind": "503", "method": "POST", "path": RECYCLE, "times": 100})
    with pytest.raises(Partial, match="not yet: general, extra") as stopped:
        there.upgrade()
    assert "--to 1.35" in str(stopped.value.hint)
    there.account.control("DELETE", "faults")
    assert there.upgrade("1.35").pools == ["general", "extra"]


def test_a_recycling_whose_answer_was_lost_is_not_done_again(there: Upgrading) -> None:
    there.account.fail(("POST", RECYCLE, 1), "lost answer")
    there.upgrade()
    assert len([one for one in there.writes() if one.endswith("/recycle")]) == 2


def test_the_next_node_goes_when_the_new_one_has_joined(there: Upgrading) -> None:
    there.make_more()
    _, second, third = (one.title for one in there.nodes() if one.pool == "extra")

    with pytest.raises(Partial, match=r"not joined.*not yet: extra"):
        upgrade_nodes(there.open, there.own, UpgradeOptions(), lambda _: None, lambda _: there.lose_new("extra"))
    assert {second, third} < {one.title for one in there.nodes()}


def test_it_is_not_done_while_the_last_node_has_not_joined(there: Upgrading) -> None:
    def lose(said: str) -> None:
        there.lose_new("extra")
        interrupt(said)

    def interrupt(said: str) -> None:
        if NOT_JOINED in said:
            raise KeyboardInterrupt

    for again, say in ((None, lose), (None, interrupt), ("1.35", interrupt)):
        with pytest.raises(KeyboardInterrupt):
            upgrade_nodes(there.open, there.own, UpgradeOptions(again), lambda _: None, say)
    with pytest.raises(Refused, match="not joined"):
        there.upgrade("1.36")
    done = upgrade_nodes(there.open, there.own, UpgradeOptions(), lambda _: None, there.replace_lost)
    assert (done.version, done.pools, done.replaced, there.plane()) == ("1.35", ["general", "extra"], [], "1.35")
    assert there.open().drift().severity == "none"
    assert there.upgrade().version == "1.36"


@pytest.mark.parametrize("again", ["1.35", None])
def test_it_is_not_done_while_the_last_node_is_not_let_in(there: Upgrading, again: str | None) -> None:
    there.account.fail(("POST", DEVICES, 2), "timeout before")
    with pytest.raises(Partial, match="open to the world"):
        there.upgrade()
    # What is done to mend it does not make it forget for which version it was begun.
    cordon_node(there.open(), there.nodes()[0].name, lambda _: None, undo=True)
    assert there.upgrade(again).version == "1.35"
    assert there.open().drift().severity == "none"
    assert there.upgrade("1.35").as_record()["changed"] is False
    assert there.upgrade().version == "1.36"


def test_as_many_nodes_of_a_pool_go_at_a_time_as_are_allowed(there: Upgrading) -> None:
    there.make_more()
    first, second, third = (one.title for one in there.nodes() if one.pool == "extra")
    there.upgrade(max_unavailable=2)
    assert {f"Recycling {first}, {second}…", f"Recycling {third}…"} < set(there.said)


def test_what_is_not_agreed_to_or_refused_leaves_the_profile_and_the_cluster(there: Upgrading) -> None:
    text = there.file.read_text()

    def refuse(_: Upgrade) -> None:
        assert there.file.read_text() == text
        raise ConfirmationNeeded

    with pytest.raises(ConfirmationNeeded):
        there.upgrade(consent=refuse)
    with pytest.raises(InvalidInput, match="is not offered"):
        there.upgrade("1.40")
    with there.open().state.held(0, lambda _: None), pytest.raises(LockHeld):
        there.upgrade()
    there.account.fail(("PUT", "/lke/clusters/*", 1), "400")
    with pytest.raises(AiasError):
        there.upgrade()
    assert (there.file.read_text(), there.plane()) == (text, "1.34")


def test_what_is_not_healthy_is_not_upgraded(there: Upgrading) -> None:
    for firewall in there.open().opened.account.list_all("/networking/firewalls"):
        there.open().opened.account.delete(f"/networking/firewalls/{firewall['id']}")
    with pytest.raises(Refused, match="'firewall' is unhealthy"):
        there.upgrade()
    assert there.plane() == "1.34"


def test_under_maintenance_it_must_be_said_to_be_part_of_it(there: Upgrading) -> None:
    begin_maintenance(there.open(), "new disks", None)
    with pytest.raises(Refused, match="new disks"):
        there.upgrade()
    assert there.upgrade(during_maintenance=True).version == "1.35"


def test_production_goes_by_saved_plans_only(there: Upgrading) -> None:
    def open_production() -> LinodeEnvironment:
        there.account.profile = there.open().profile.model_copy(update={"name": "production"})
        return there.account.environment()

    with pytest.raises(Refused, match="saved plans only"):
        upgrade_nodes(open_production, there.own, UpgradeOptions(), lambda _: None, lambda _: None)

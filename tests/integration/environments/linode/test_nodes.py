"""Nodes through the command line: listed, taken out, emptied within the budgets, replaced, and made more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aias_core import ids
from aias_core.environments.linode.draining import drain_node
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.target import open_linode_environment
from aias_core.errors import Conflict, Refused, TimedOut
from support.settled import NAME, Settled
from support.state import open_journal

SPACE = "/api/v1/namespaces/env-small"
BUDGETS = "/apis/policy/v1/namespaces/env-small/poddisruptionbudgets"
CLUSTER = "module.lke.linode_lke_cluster.this"
CONTAINER = {"name": "x", "image": "registry.example.org/x:1"}


def _nodes(place: Settled, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    code, found, _ = place.run(capsys, "env", "nodes", "list", NAME)
    assert code == 0
    return list(found["nodes"])


def _start_pod(place: Settled, name: str, node: str, owner: str | None = "ReplicaSet") -> None:
    owners = [{"apiVersion": "apps/v1", "kind": owner, "name": "x", "uid": "1", "controller": True}] if owner else []
    metadata = {"name": name, "labels": {"app": "x"}, "ownerReferences": owners}
    spec = {"nodeName": node, "containers": [CONTAINER]}
    place.kubernetes("POST", f"{SPACE}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def _pods(place: Settled) -> list[str]:
    return [pod["metadata"]["name"] for pod in place.kubernetes("GET", f"{SPACE}/pods")["items"]]


@pytest.fixture(autouse=True)
def tidied(place: Settled) -> Iterator[None]:
    yield
    for name in _pods(place):
        place.kubernetes("DELETE", f"{SPACE}/pods/{name}")
    for budget in place.kubernetes("GET", BUDGETS)["items"]:
        place.kubernetes("DELETE", f"{BUDGETS}/{budget['metadata']['name']}")


def test_nodes_are_listed_with_their_pools(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = _nodes(place, capsys)
    assert [(one["pool"], one["ready"], one["cordoned"]) for one in nodes] == [("general", True, False)] * 2


def test_a_node_is_cordoned_and_taken_back(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    name = _nodes(place, capsys)[0]["name"]
    assert place.run(capsys, "env", "nodes", "cordon", NAME, "--node", name)[1]["cordoned"] is True
    assert [one["cordoned"] for one in _nodes(place, capsys)] == [True, False]
    assert place.run(capsys, "env", "nodes", "cordon", NAME, "--node", name, "--undo")[1]["cordoned"] is False


def test_a_node_that_there_is_not_is_named_with_those_that_there_are(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = place.run(capsys, "env", "nodes", "cordon", NAME, "--node", "nobody")
    assert code == 4
    assert all(one["name"] in said for one in _nodes(place, capsys))


def test_draining_evicts_what_can_run_elsewhere(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (one["name"] for one in _nodes(place, capsys))
    _start_pod(place, "leaves", first)
    _start_pod(place, "everywhere", first, "DaemonSet")
    _start_pod(place, "elsewhere", second)
    code, found, _ = place.run(capsys, "env", "nodes", "drain", NAME, "--node", first, "--yes")
    assert (code, found["evicted"]) == (0, ["env-small/leaves"])
    assert _pods(place) == ["elsewhere", "everywhere"]
    assert _nodes(place, capsys)[0]["cordoned"] is True
    place.run(capsys, "env", "nodes", "cordon", NAME, "--node", first, "--undo")


def test_draining_stops_before_it_would_lose_a_pod_for_good(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    name = _nodes(place, capsys)[0]["name"]
    _start_pod(place, "alone", name, owner=None)
    with pytest.raises(Refused, match="env-small/alone"):
        drain_node(place.open(), name, 0, lambda _: None, lambda _: None)
    assert (_pods(place), _nodes(place, capsys)[0]["cordoned"]) == (["alone"], False)


def test_draining_waits_for_the_budget_and_names_the_pods_in_the_end(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    name, now = _nodes(place, capsys)[0]["name"], [0.0]
    _start_pod(place, "needed", name)
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    document = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}, "spec": budget}
    place.kubernetes("POST", BUDGETS, document)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    timing = Timing(now=lambda: now[0], sleep=sleep)
    environment = open_linode_environment(NAME, place.root / "aias", place.root / "profiles", timing=timing)
    with pytest.raises(TimedOut, match="env-small/needed"):
        drain_node(environment, name, 60, lambda _: None, lambda _: None)
    assert now[0] >= 60
    place.run(capsys, "env", "nodes", "cordon", NAME, "--node", name, "--undo")


def test_an_unfinished_run_is_not_hidden_behind_one_about_nodes(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    environment, name = place.open(), _nodes(place, capsys)[0]["name"]
    with environment.state.held(0, lambda _: None) as lease:
        journal = environment.state.journals.begin("ffffffff-0000-7000-8000-000000000000", "up", lease)
    with pytest.raises(Conflict, match="was not finished"):
        drain_node(environment, name, 0, lambda _: None, lambda _: None)
    with environment.state.held(0, lambda _: None) as lease:
        open_journal(environment.state.journals, journal.run_id, lease).end("failed")
    (place.directory / "journal" / f"{journal.run_id}.jsonl").unlink()
    environment.state.store.delete(f"{NAME}/journal/{journal.run_id}.jsonl")


def test_recycling_replaces_each_node_and_lets_the_new_ones_into_the_database(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _nodes(place, capsys)
    code, found, _ = place.run(capsys, "env", "nodes", "recycle", NAME, "--pool", "general", "--yes")
    after = _nodes(place, capsys)
    assert (code, found["replaced"]) == (0, [one["name"] for one in before])
    assert len(after) == len(before)
    assert not {one["id"] for one in before} & {one["id"] for one in after}
    instances = place.rows("/linode/instances")
    database = place.rows("/databases/postgresql/instances")[0]
    assert {one["ipv4"][0] for one in instances} == {one.removesuffix("/32") for one in database["allow_list"]}
    assert place.run(capsys, "env", "drift", NAME)[0] == 0


def test_what_stays_open_is_named_with_what_mends_it(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    node = _nodes(place, capsys)[0]["id"]
    fault = {"kind": "dropped", "method": "POST", "path": "/networking/firewalls/*/devices"}
    place.api("POST", "/__simulator/faults", fault)
    code, _, said = place.run(capsys, "env", "nodes", "recycle", NAME, "--node", node, "--yes")
    assert (code, "are open to the world" in said, f"aias env up {NAME}" in said) == (9, True, True)
    assert place.run(capsys, "env", "up", NAME, "--yes")[0] == 0
    assert place.run(capsys, "env", "drift", NAME)[0] == 0


def test_a_state_from_before_the_firewall_of_nodes_moved_keeps_it(place: Settled) -> None:
    environment = place.open()
    state = environment.state
    (firewall,) = (one for one in place.rows("/networking/firewalls") if one["label"].endswith("-nodes"))
    content = json.loads(state.versions.read_newest() or b"")
    (moved,) = (one for one in content["resources"] if one.get("module") == "module.node_firewall[0]")
    moved |= {"module": "module.network", "name": "nodes"}
    with state.held(0, lambda _: None) as lease:
        state.versions.write(json.dumps({**content, "serial": content["serial"] + 1}).encode(), lease)
        with environment.workshop(state, lease) as workshop:
            plan = workshop.plan()
            assert (plan.created, plan.deleted, plan.replaced) == ((), (), ())
            workshop.refresh([CLUSTER])
            known = {one.address: one.id for one in workshop.list_resources() if one.type == "linode_firewall"}
    assert known["module.node_firewall[0].linode_firewall.this"] == str(firewall["id"])
    assert "module.network.linode_firewall.nodes" not in known


def test_a_node_that_never_joined_is_known_by_its_id_and_replaced(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    node = _nodes(place, capsys)[0]
    place.kubernetes("DELETE", f"/api/v1/nodes/{node['name']}")
    command = ("env", "nodes", "drain", NAME, "--node", node["id"], "--yes")
    assert place.run(capsys, *command)[0] == 6
    command = ("env", "nodes", "recycle", NAME, "--node", node["id"], "--yes")
    assert place.run(capsys, *command)[1]["replaced"] == [node["id"]]
    assert node["id"] not in [one["id"] for one in _nodes(place, capsys)]


def test_what_there_is_not_is_refused_before_anybody_is_asked(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (("recycle", NAME, "--node", "x"), ("recycle", NAME, "--pool", "x"), ("drain", NAME, "--node", "x")):
        assert place.run(capsys, "env", "nodes", *command, "--no-input")[0] == 4
    assert place.run(capsys, "env", "nodes", "recycle", NAME, "--no-input")[0] == 2


def test_scaling_that_is_not_agreed_to_leaves_the_profile_as_it_was(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    text = place.profile_file.read_text()
    code, _, _ = place.run(capsys, "env", "nodes", "scale", NAME, "--pool", "general", "--count", "3", "--no-input")
    assert (code, place.profile_file.read_text()) == (6, text)
    assert place.run(capsys, "env", "nodes", "scale", NAME, "--pool", "nobody", "--count", "3", "--yes")[0] == 4


@pytest.mark.parametrize("command", [("scale", "--pool", "general", "--count", "3"), ("upgrade",)])
def test_a_run_that_was_ended_in_its_first_line_stops_nothing(
    place: Settled, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    (place.open().directory / f"journal/{ids.new_id()}.jsonl").write_bytes(b'{"seq":1,"at":"2026-')
    assert place.run(capsys, "env", "nodes", command[0], NAME, *command[1:], "--no-input")[0] == 6


def test_scaling_writes_the_profile_and_makes_the_nodes(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("env", "nodes", "scale", NAME, "--pool", "general", "--count", "3", "--yes")
    code, found, said = place.run(capsys, *command)
    assert code == 0, said
    assert (found["before"], found["count"]) == (2, 3)
    assert len(_nodes(place, capsys)) == 3
    pool = place.open().profile.cluster.pools["general"]
    assert (pool.count, pool.minimum, pool.maximum) == (3, 3, 4)
    assert "extends: development" in place.profile_file.read_text()
    assert place.open().survey().plan.is_empty


def test_an_upgrade_brings_the_nodes_to_the_next_version_and_leaves_no_drift(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    text, count = place.profile_file.read_text(), len(_nodes(place, capsys))
    assert place.run(capsys, "env", "nodes", "upgrade", NAME, "--no-input")[0] == 6
    assert place.profile_file.read_text() == text
    code, found, said = place.run(capsys, "env", "nodes", "upgrade", NAME, "--to", "1.35", "--yes")
    assert code == 0, said
    assert (found["before"], found["version"], len(found["replaced"])) == ("1.34", "1.35", count)
    assert {one["version"] for one in _nodes(place, capsys)} == {"v1.35.1"}
    assert place.open().survey().plan.is_empty
    assert place.run(capsys, "env", "drift", NAME)[0] == 0
    assert place.run(capsys, "env", "nodes", "upgrade", NAME, "--to", "1.35", "--no-input")[1]["changed"] is False

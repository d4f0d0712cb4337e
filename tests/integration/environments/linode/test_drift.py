"""What is changed by hand in the account and in the cluster is found, weighed, and told with what undoes it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from aias_core import clock
from aias_core.environments.linode.up import UpOptions
from support.settled import NAME, Settled

PATCH = "application/merge-patch+json"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/env-small/networkpolicies"
OPEN = {"podSelector": {}, "ingress": [{}], "policyTypes": ["Ingress"]}


def _drift(place: Settled, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code, report, _ = place.run(capsys, "env", "drift", NAME, *more)
    return code, report


def _by_kind(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in report["findings"]}


@pytest.fixture(scope="module")
def changed(place: Settled) -> Settled:
    """Everything at once, so that one look finds it all."""
    firewall = next(one for one in place.rows("/networking/firewalls") if one["label"].endswith("-nodes"))
    place.api("PUT", f"/networking/firewalls/{firewall['id']}", {"tags": [*firewall["tags"], "by-hand"]})
    pool = place.rows(f"{place.cluster_path}/pools")[0]
    scaled = {"count": 3, "autoscaler": {"enabled": True, "min": 2, "max": 6}}
    place.api("PUT", f"{place.cluster_path}/pools/{pool['id']}", scaled)
    domain = place.rows("/domains")[0]["id"]
    place.api("POST", f"/domains/{domain}/records", {"type": "A", "name": "api", "target": "203.0.113.4"})
    hidden = {"type": "g6-standard-4", "count": 1, "label": "hidden", "tags": ["pool:external"]}
    place.api("POST", f"{place.cluster_path}/pools", hidden)
    place.api("DELETE", "/object-storage/buckets/fr-par/aias-small-backups")
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "hole"}, "spec": OPEN}
    place.kubernetes("POST", POLICIES, policy)
    ours = place.kubernetes("GET", POLICIES)["items"][0]["metadata"]["name"]
    place.kubernetes("PATCH", f"{POLICIES}/{ours}", {"spec": {"ingress": [{}]}}, PATCH)
    secret = "/api/v1/namespaces/env-small/secrets/service-key"
    place.kubernetes("PATCH", secret, {"data": {"value": "Ynktb3RoZXJz"}}, PATCH)
    return place


@pytest.fixture(scope="module")
def report(changed: Settled) -> dict[str, Any]:
    return changed.open().drift().as_record()


def test_an_environment_that_nobody_touched_has_none_and_its_report_is_kept_for_ninety_days(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place.directory / "store" / NAME / "drift"
    folder.mkdir(parents=True)
    (folder / f"{clock.format_second(clock.now() - timedelta(days=91)).replace(':', '')}-x.json").write_text("{}")
    code, report = _drift(place, capsys)
    assert (code, report["severity"], report["findings"]) == (0, "none", [])
    assert [json.loads(file.read_text())["id"] for file in folder.iterdir()] == [report["id"]]


def test_everything_that_was_changed_by_hand_is_found(report: dict[str, Any]) -> None:
    found = _by_kind(report)
    assert report["severity"] == "major"
    assert set(found) == {
        *("linode_firewall", "linode_lke_cluster", "linode_object_storage_bucket", "DNS record", "pool", "allow list"),
        *("network policy", "NetworkPolicy", "secret", "node firewall"),
    }
    assert (found["linode_firewall"]["severity"], found["linode_lke_cluster"]["severity"]) == ("minor", "major")
    assert found["linode_object_storage_bucket"]["change"] == "removed"
    assert found["network policy"]["revert"] == "kubectl --namespace env-small delete networkpolicy hole"
    assert found["secret"]["resource"] == "service-key"


def test_a_pool_that_scaled_within_its_bounds_is_no_drift(report: dict[str, Any]) -> None:
    cluster = _by_kind(report)["linode_lke_cluster"]
    assert [one["path"] for one in cluster["attributes"]] == ["pool.general.autoscaler.0.max"]
    assert "cluster.pools.general.maximum: 6" in cluster["accept"]
    assert "nodes may not connect" in _by_kind(report)["allow list"]["explanation"]
    assert "open to the world" in _by_kind(report)["node firewall"]["explanation"]


def test_a_cluster_that_does_not_answer_is_an_error_and_no_absence_of_drift(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = {"acl": {"enabled": True, "addresses": {"ipv4": ["192.0.2.1/32"]}}}
    place.api("PUT", f"{place.cluster_path}/control_plane_acl", nobody)
    code, report = _drift(place, capsys)
    place.api("DELETE", f"{place.cluster_path}/control_plane_acl")
    assert (code, report) == (3, None)


def test_up_reverts_what_it_said_it_would(changed: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    changed.open().up(UpOptions(), lambda _: None, lambda _: None)
    code, report = _drift(changed, capsys)
    assert (code, report["schema"]) == (10, "aias.drift/1")
    assert {one["kind"] for one in report["findings"]} == {
        *("DNS record", "pool", "network policy", "allow list", "node firewall"),
    }

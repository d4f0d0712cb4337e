"""What depends on the plan, the region, the version of the API or what a resource holds."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from support.linode import CLUSTER, ENTERPRISE, control, make, refusals


@pytest.mark.parametrize(("plan", "most"), [("g6-standard-4", 7), ("g6-standard-6", 16)])
def test_a_machine_takes_so_many_volumes_as_its_plan_allows(client: TestClient, plan: str, most: int) -> None:
    linode = make(client, "/linode/instances", type=plan, region="fr-par")
    for number in range(most):
        make(client, "/volumes", label=f"disk-{number}", linode_id=linode["id"])
    one_more = {"label": "one-more", "linode_id": linode["id"]}
    assert f"at most {most} volumes" in refusals(client, "/volumes", one_more)[0]["reason"]
    apart = make(client, "/volumes", label="apart", region="fr-par")
    refusals(client, f"/volumes/{apart['id']}/attach", {"linode_id": linode["id"]})


def test_a_bucket_with_objects_stays(client: TestClient) -> None:
    make(client, "/object-storage/buckets", label="aias-state", region="fr-par")
    path = "/v4/object-storage/buckets/fr-par/aias-state"
    place = {"region": "fr-par", "bucket": "aias-state"}
    control(client, "contents", {**place, "objects": 2, "size": 4_096})
    bucket = client.get(path).json()
    assert (bucket["objects"], bucket["size"]) == (2, 4_096)
    assert client.delete(path).json() == {"errors": [{"reason": "Bucket is not empty"}]}
    control(client, "contents", {**place, "objects": 0})
    assert (client.delete(path).status_code, client.get(path).status_code) == (200, 404)
    missing = client.post("/v4/__simulator/contents", json={**place, "objects": 1})
    assert missing.status_code == 404


def test_an_enterprise_cluster_needs_a_region_that_has_them(client: TestClient) -> None:
    answer = client.post("/v4beta/lke/clusters", json={**ENTERPRISE, "region": "us-east"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "region")


def test_enterprise_clusters_tiers_and_locks_are_of_the_beta(client: TestClient) -> None:
    assert refusals(client, "/lke/clusters", ENTERPRISE)[0]["field"] == "tier"
    assert make(client, "/lke/clusters", version="v4beta", **ENTERPRISE)["tier"] == "enterprise"
    for path in ("lke/tiers/enterprise/versions", "lke/tiers/standard/versions/1.34", "locks"):
        assert (client.get(f"/v4/{path}").status_code, client.get(f"/v4beta/{path}").status_code) == (404, 200)
    assert make(client, "/lke/clusters", **{**CLUSTER, "label": "other"}, tier="standard")["tier"] == "standard"

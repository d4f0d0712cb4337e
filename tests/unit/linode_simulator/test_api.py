"""How the fake Linode pages, filters, admits, bills and keeps, and how what it holds changes by time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from aias_core import clock
from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.server import Options, open_world
from support.linode import CLUSTER, TOKEN, control, make, make_client, refusals

HOUR = 3_600


@pytest.fixture
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """All calls come at once, however long they take."""
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)


def test_a_list_comes_in_pages_of_25_to_500(client: TestClient) -> None:
    for number in range(60):
        make(client, "/domains", domain=f"d{number}.example.com", type="master", soa_email="ops@example.com")
    seen = [
        row["domain"]
        for page in (1, 2, 3)
        for row in client.get("/v4/domains", params={"page": page, "page_size": 25}).json()["data"]
    ]
    assert len(set(seen)) == 60
    assert client.get("/v4/domains").json() | {"data": []} == {"data": [], "page": 1, "pages": 1, "results": 60}
    wrong = client.get("/v4/domains", params={"page_size": 24})
    assert wrong.json() == {"errors": [{"reason": "Must be 25-500", "field": "page_size"}]}
    assert client.get("/v4/domains", params={"page": 9}).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"label": "aias-one"}, ["aias-one"]),
        ({"tags": "env:two"}, ["aias-two"]),
        ({"+or": [{"label": "aias-one"}, {"tags": "env:two"}]}, ["aias-one", "aias-two"]),
        ({"+and": [{"tags": "env:three"}, {"label": {"+contains": "three"}}]}, ["aias-three"]),
        ({"label": {"+gt": "aias-one"}, "+order_by": "label", "+order": "desc"}, ["aias-two", "aias-three"]),
        ({"label": {"+gte": "aias-one", "+lt": "aias-three"}}, ["aias-one"]),
        ({"label": {"+neq": "aias-one"}, "+order_by": "label"}, ["aias-three", "aias-two"]),
    ],
)
def test_a_filter_chooses_and_orders(client: TestClient, wanted: dict[str, Any], found: list[str]) -> None:
    for size, name in ((20, "one"), (30, "two"), (40, "three")):
        make(client, "/volumes", label=f"aias-{name}", region="fr-par", size=size, tags=[f"env:{name}"])
    answer = client.get("/v4/volumes", headers={"X-Filter": json.dumps(wanted)})
    assert [row["label"] for row in answer.json()["data"]] == found


@pytest.mark.parametrize(
    "wanted",
    [
        {"region": "fr-par"},
        {"size": 20},
        {"label": {"+eq": "one"}},
        {"label": {"+like": "one"}},
        {"label": {"+gt": [1]}},
        {"label": ["one"]},
        {"+or": []},
        {"+or": {"label": "one"}},
        {"+order_by": "size"},
        {"+order_by": ["label"]},
        {"+order_by": "label", "+order": "up"},
        {"+not": [{"label": "one"}]},
    ],
    ids=str,
)
def test_a_filter_beyond_what_is_documented_is_refused(client: TestClient, wanted: dict[str, Any]) -> None:
    answer = client.get("/v4/volumes", headers={"X-Filter": json.dumps(wanted)})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "X-Filter")


def test_a_filter_that_is_not_valid_is_refused_and_one_in_the_query_is_passed_over(client: TestClient) -> None:
    make(client, "/volumes", label="one", region="fr-par")
    unknown = client.get("/v4/volumes", headers={"X-Filter": '{"foo": "bar"}'})
    assert unknown.json() == {"errors": [{"reason": "Cannot filter on foo", "field": "X-Filter"}]}
    assert client.get("/v4/volumes", headers={"X-Filter": "{"}).json()["errors"][0]["reason"] == "Filter not valid JSON"
    assert client.get("/v4/volumes", params={"label": "other"}).json()["results"] == 1


def test_a_token_reaches_only_its_scopes(client: TestClient) -> None:
    made = make(client, "/profile/tokens", label="plan", scopes="lke:read_only")
    narrow = {"Authorization": f"Bearer {made['token']}"}
    answer = client.get("/v4/lke/clusters", headers=narrow)
    assert answer.headers["X-OAuth-Scopes"] == "lke:read_only"
    assert answer.headers["X-Accepted-OAuth-Scopes"] == "lke:read_only"
    assert client.post("/v4/lke/clusters", json=CLUSTER, headers=narrow).status_code == 401
    assert client.get("/v4/vpcs", headers=narrow).status_code == 401
    assert client.get("/v4/profile", headers=narrow).status_code == 200
    shown = client.get(f"/v4/profile/tokens/{made['id']}").json()["token"]
    assert made["token"].startswith(shown)
    assert shown != made["token"]


def test_a_token_revoked_or_expired_is_invalid_and_prices_need_none(client: TestClient) -> None:
    revoked = make(client, "/profile/tokens", scopes="*")
    client.delete(f"/v4/profile/tokens/{revoked['id']}")
    expired = make(client, "/profile/tokens", scopes="*", expiry="2020-01-01T00:00:00")
    for value in (revoked["token"], expired["token"], "never"):
        answer = client.get("/v4/vpcs", headers={"Authorization": f"Bearer {value}"})
        assert (answer.status_code, answer.json()) == (401, {"errors": [{"reason": "Invalid Token"}]})
    assert client.get("/v4/linode/types", headers={"Authorization": ""}).status_code == 200


@pytest.mark.usefixtures("_still")
def test_calls_above_a_published_ceiling_get_429_until_time_has_passed(client: TestClient) -> None:
    answers = [client.get("/v4/vpcs") for _ in range(201)]
    assert {answer.status_code for answer in answers[:200]} == {200}
    assert answers[199].headers["X-RateLimit-Remaining"] == "0"
    assert answers[200].status_code == 429
    assert 1 <= int(answers[200].headers["Retry-After"]) <= 61
    assert client.get("/v4/__simulator/rates").json()["breaches"] == {"lists": 1}
    control(client, "clock", {"seconds": 61})
    assert client.get("/v4/vpcs").status_code == 200


@pytest.mark.usefixtures("_still")
def test_a_reset_forgets_the_calls_that_count_for_a_ceiling(client: TestClient) -> None:
    for number in range(5):
        make(client, "/object-storage/keys", label=f"key-{number}")
    control(client, "reset", {})
    assert client.post("/v4/object-storage/keys", json={"label": "key-5"}).status_code == 200


@pytest.mark.usefixtures("_still")
def test_a_call_that_fails_by_a_script_counts_for_its_ceiling(client: TestClient) -> None:
    control(client, "faults", {"kind": "500", "method": "POST", "path": "/object-storage/keys", "times": 4})
    codes = [client.post("/v4/object-storage/keys", json={"label": f"key-{number}"}).status_code for number in range(6)]
    assert codes == [500] * 4 + [200, 429]


@pytest.mark.usefixtures("_still")
def test_bucket_and_key_writes_have_a_ceiling_of_their_own(client: TestClient) -> None:
    codes = [client.post("/v4/object-storage/keys", json={"label": f"key-{number}"}).status_code for number in range(6)]
    assert codes == [200] * 5 + [429]


def test_every_second_is_billed_once_and_no_longer_than_it_lasts(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER, control_plane={"high_availability": True})
    control(client, "clock", {"seconds": 10 * HOUR - 60})
    assert client.delete(f"/v4/lke/clusters/{cluster['id']}").status_code == 200
    control(client, "clock", {"seconds": 90 * HOUR})
    ledger = client.get("/v4/__simulator/ledger").json()
    assert ledger["billed_now"] == []
    assert ledger["billed_twice"] == []
    assert sorted(charge["cost"] for charge in ledger["charges"]) == ["0.720", "0.720", "0.90"]
    assert float(ledger["total"]) == pytest.approx(10 * (2 * 0.072 + 0.09))


def test_a_month_costs_no_more_than_its_price(client: TestClient) -> None:
    make(client, "/linode/instances", type="g2-gpu-rtx4000a1-s", region="fr-par", label="gpu")
    control(client, "clock", {"seconds": 100 * 24 * HOUR})
    invoices = client.get("/v4/account/invoices").json()["data"]
    assert max(invoice["total"] for invoice in invoices) == 350.0


def test_gpu_plans_have_their_price_in_the_region_and_none_as_base(client: TestClient) -> None:
    plan = client.get("/v4/linode/types/g2-gpu-rtx4000a1-s").json()
    assert plan["price"] == {"hourly": 0.0, "monthly": 0.0}
    assert {"id": "fr-par", "hourly": 0.52, "monthly": 350.0} in plan["region_prices"]


def test_what_a_cluster_left_behind_is_still_billed(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    make(client, "/volumes", label="pvc-1", region="fr-par")
    client.delete(f"/v4/lke/clusters/{cluster['id']}")
    assert [one["label"] for one in client.get("/v4/__simulator/ledger").json()["billed_now"]] == ["pvc-1"]


def test_a_pool_grows_shrinks_and_recycles(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    pools = f"/v4/lke/clusters/{cluster['id']}/pools"
    pool = client.get(pools).json()["data"][0]
    grown = client.put(f"{pools}/{pool['id']}", json={"count": 4}).json()["nodes"]
    shrunk = client.put(f"{pools}/{pool['id']}", json={"count": 1}).json()["nodes"]
    assert (len(grown), len(shrunk)) == (4, 1)
    assert shrunk[0] in grown
    client.post(f"{pools}/{pool['id']}/recycle")
    assert client.get(f"{pools}/{pool['id']}").json()["nodes"][0]["id"] != shrunk[0]["id"]
    assert client.get("/v4/linode/instances").json()["results"] == 1


def test_availability_is_told_of_premium_and_gpu_plans_only(client: TestClient) -> None:
    rows = client.get("/v4/regions/fr-par/availability").json()
    classes = {plan["id"]: plan["class"] for plan in client.get("/v4/linode/types?page_size=500").json()["data"]}
    assert {classes[row["plan"]] for row in rows} == {"premium", "gpu"}


@pytest.mark.parametrize(
    ("version", "tier", "kubernetes", "is_behind"),
    [("v4", "standard", "1.34", False), ("v4beta", "enterprise", "v1.34.6+lke2", True)],
    ids=["standard", "enterprise"],
)
def test_a_firewall_of_a_pool_is_one_of_its_nodes_in_the_enterprise_tier_only(
    client: TestClient, version: str, tier: str, kubernetes: str, is_behind: bool
) -> None:
    rules = {"inbound_policy": "DROP", "outbound_policy": "ACCEPT"}
    firewall = make(client, "/networking/firewalls", label="nodes", rules=rules)
    pools = [{"type": "g6-standard-2", "count": 2, "firewall_id": firewall["id"]}]
    wanted = CLUSTER | {"k8s_version": kubernetes, "node_pools": pools}
    cluster = make(client, "/lke/clusters", version=version, **wanted, tier=tier)
    pool = client.get(f"/{version}/lke/clusters/{cluster['id']}/pools").json()["data"][0]
    behind = client.get(f"/v4/networking/firewalls/{firewall['id']}").json()["entities"]
    nodes = {node["instance_id"] for node in pool["nodes"]}
    assert pool["firewall_id"] == (firewall["id"] if is_behind else None)
    assert {one["id"] for one in behind} == (nodes if is_behind else set())


def test_a_version_goes_up_one_minor_at_a_time_and_high_availability_stays(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER, control_plane={"high_availability": True})
    path = f"/lke/clusters/{cluster['id']}"
    assert "one minor" in refusals(client, path, {"k8s_version": "1.36"}, "PUT")[0]["reason"]
    assert client.put(f"/v4{path}", json={"k8s_version": "1.35"}).json()["k8s_version"] == "1.35"
    off = {"control_plane": {"high_availability": False}}
    assert refusals(client, path, off, "PUT")[0]["field"] == "control_plane.high_availability"


def test_states_follow_by_time_and_an_event_tells_how_far(client: TestClient) -> None:
    control(client, "settings", {"pace": 1}, "PATCH")
    body = {"label": "main", "type": "g6-nanode-1", "engine": "postgresql/16", "region": "fr-par"}
    database = make(client, "/databases/postgresql/instances", **body)
    path = f"/v4/databases/postgresql/instances/{database['id']}"
    wanted = {"X-Filter": json.dumps({"action": "database_create", "entity.id": database["id"]})}

    def states() -> tuple[str, str]:
        events = client.get("/v4/account/events", headers=wanted).json()["data"]
        return client.get(path).json()["status"], events[0]["status"]

    assert states() == ("provisioning", "started")
    assert client.get(f"{path}/credentials").status_code == 400
    control(client, "clock", {"seconds": 901})
    assert states() == ("active", "finished")
    assert client.get(f"{path}/credentials").json()["username"] == "akmadmin"


def test_the_kubeconfig_comes_when_the_control_plane_is_up(client: TestClient) -> None:
    control(client, "settings", {"pace": 1}, "PATCH")
    cluster = make(client, "/lke/clusters", **CLUSTER)
    early = client.get(f"/v4/lke/clusters/{cluster['id']}/kubeconfig")
    assert (early.status_code, early.json()["errors"][0]["reason"][:40]) == (
        503,
        "Cluster kubeconfig is not yet available.",
    )
    control(client, "clock", {"seconds": 61})
    assert client.get(f"/v4/lke/clusters/{cluster['id']}/kubeconfig").status_code == 200


def test_what_was_done_is_still_there_for_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    make(make_client(file), "/lke/clusters", **CLUSTER)
    again = make_client(file)
    assert again.get("/v4/lke/clusters").json()["data"][0]["label"] == CLUSTER["label"]
    assert make(again, "/vpcs", label="net", region="fr-par")["id"] > 0
    assert len(again.get("/v4/__simulator/ledger").json()["billed_now"]) == 2


def test_where_everything_is_over_at_once_no_ceiling_is_met(tmp_path: Path) -> None:
    for pace, refused in ((0.02, True), (0.0, False)):
        world = open_world(Options(port=0, state=tmp_path / str(pace), token=TOKEN, pace=pace))
        client = TestClient(Application(world))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answers = [client.get("/v4/linode/instances", headers=headers) for _ in range(201)]
        assert (answers[-1].status_code == 429) is refused
        assert ("Retry-After" in answers[0].headers) is refused

"""The bill of the fake Linode: what ran for which purpose, from when to when, at which price, and what ran twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from aias_services.linode_simulator import ledger
from aias_services.linode_simulator.world import Charge
from support.linode import CLUSTER, control, make

HOUR, DAY = 3_600, 24 * 3_600
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
POOL = {"type": "g6-standard-2", "count": 2, "labels": {"role": "general"}}


def bill(client: TestClient) -> Any:
    return client.get("/v4/__simulator/ledger").json()


def test_a_pool_made_twice_is_billed_twice_until_one_is_gone(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    pools = f"/lke/clusters/{cluster['id']}/pools"
    make(client, pools, **POOL)
    assert bill(client)["billed_twice"] == []
    second = make(client, pools, **{**POOL, "count": 1})
    control(client, "clock", {"seconds": HOUR})
    client.delete(f"/v4{pools}/{second['id']}")
    assert [purpose.partition(" / ")[0] for purpose in bill(client)["billed_twice"]] == ["lke_cluster aias-development"]


def test_a_pool_made_again_after_it_was_removed_is_not_billed_twice(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **CLUSTER)
    pools = f"/lke/clusters/{cluster['id']}/pools"
    client.delete(f"/v4{pools}/{make(client, pools, **POOL)['id']}")
    make(client, pools, **POOL)
    make(client, pools, **{**POOL, "labels": {"role": "other"}})
    assert bill(client)["billed_twice"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/nodebalancers", {"region": "fr-par"}),
        ("/linode/instances", {"region": "fr-par", "type": "g6-nanode-1", "tags": ["aias"]}),
    ],
)
def test_the_same_call_without_a_label_twice_is_billed_twice(client: TestClient, path: str, body: Any) -> None:
    make(client, path, **body)
    make(client, path, **{**body, "region": "nl-ams"})
    assert bill(client)["billed_twice"] == []
    make(client, path, **body)
    assert len(bill(client)["billed_twice"]) == 1


@pytest.mark.parametrize(
    ("began", "ended", "october", "november"),
    [
        pytest.param(-1_800, 1_800, 1, 0, id="the hour belongs to the month in which it starts"),
        pytest.param(-1_800, 1_801, 1, 1, id="the next hour starts in the next month"),
        pytest.param(-HOUR, 1, 1, 1, id="an hour that ends with the month"),
        pytest.param(-30 * DAY, 30, 500, 1, id="a month costs at most its price"),
        pytest.param(-1_800, 29 * DAY, 1, 500, id="the next month has a price of its own"),
    ],
)
def test_a_started_hour_is_billed_once_whatever_the_date(
    began: float, ended: float, october: int, november: int
) -> None:
    charge = Charge(kind="linode", id=1, label="", purpose="", owner="", region=None, plan="", hourly="1",
                    monthly="500", began_at=NOVEMBER + began, ended_at=NOVEMBER + ended)  # fmt: skip
    until = NOVEMBER + 40 * DAY
    months = (ledger.cost(charge, NOVEMBER), ledger.cost(charge, until, NOVEMBER))
    assert (*months, ledger.cost(charge, until)) == (october, november, Decimal(october + november))


def test_a_line_of_the_bill_says_what_ran_for_what_from_when_to_when_at_which_price(client: TestClient) -> None:
    cluster = make(client, "/lke/clusters", **{**CLUSTER, "node_pools": [POOL]})
    pool = client.get(f"/v4/lke/clusters/{cluster['id']}/pools").json()["data"][0]
    control(client, "clock", {"seconds": 2 * HOUR - 60})
    client.put(f"/v4/lke/clusters/{cluster['id']}/pools/{pool['id']}", json={"count": 1})
    lines = bill(client)["charges"]
    assert {line["owner"] for line in lines} == {f"lke_pool {pool['id']}"}
    assert {(line["plan"], line["hourly"], line["monthly"], line["cost"]) for line in lines} == {
        ("g6-standard-2", "0.036", "24", "0.072")
    }
    assert sorted(line["to"] is None for line in lines) == [False, True]
    ended = next(line for line in lines if line["to"])
    ran = datetime.fromisoformat(ended["to"]) - datetime.fromisoformat(ended["from"])
    assert abs(ran - timedelta(seconds=2 * HOUR - 60)) <= timedelta(seconds=2)


def test_backups_are_billed_while_they_are_on(client: TestClient) -> None:
    linode = make(client, "/linode/instances", type="g6-standard-4", region="fr-par", backups_enabled=True)
    path = f"/v4/linode/instances/{linode['id']}"
    client.post(f"{path}/backups/cancel")
    client.post(f"{path}/backups/enable")
    lines = bill(client)["charges"]
    assert [(line["hourly"], line["monthly"]) for line in lines] == [("0.087", "58"), ("0.072", "48"), ("0.087", "58")]
    assert [line["to"] is None for line in lines] == [False, False, True]
    assert bill(client)["billed_twice"] == []
    assert client.get(path).json()["backups"]["enabled"] is True


def test_what_is_on_an_invoice_is_not_uninvoiced(client: TestClient) -> None:
    make(client, "/linode/instances", type="g6-standard-4", region="fr-par")
    control(client, "clock", {"seconds": 100 * 24 * HOUR})
    invoiced = sum(invoice["total"] for invoice in client.get("/v4/account/invoices").json()["data"])
    uninvoiced = client.get("/v4/account").json()["balance_uninvoiced"]
    assert uninvoiced <= 48
    assert invoiced + uninvoiced == pytest.approx(float(bill(client)["total"]), abs=0.08)

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aias_core import clock
from aias_core.environments.linode.billing import read_billed
from aias_core.environments.linode.cost import Planned, estimate, format_amount, plan_resources
from aias_core.environments.linode.plan_cost import price_plan, read_terraform
from aias_core.environments.linode.prices import FILE, PRODUCTS, read_prices
from aias_core.environments.linode.terraform_plan import read_plan
from aias_core.environments.profiles import list_environments, load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import NotFound
from aias_services.linode_simulator import ledger
from support.fake_account import FakeAccount, build_environment, make_account

DAY, MONTH = 86_400, 32 * 86_400


def linode_profiles() -> list[LinodeProfile]:
    profiles = [load_profile(name, None) for name in list_environments(None)]
    return [profile for profile in profiles if isinstance(profile, LinodeProfile)]


@pytest.fixture
def fake() -> FakeAccount:
    return make_account()


@pytest.mark.parametrize("gpu", [False, True], ids=["as it is", "with GPUs"])
@pytest.mark.parametrize("region", ["fr-par", "id-cgk"])
@pytest.mark.parametrize("profile", linode_profiles(), ids=lambda profile: profile.name)
def test_the_estimate_is_what_would_be_billed(
    fake: FakeAccount, profile: LinodeProfile, region: str, gpu: bool, tmp_path: Path
) -> None:
    there = profile.model_copy(
        update={"region": region, "gpu": profile.gpu.model_copy(update={"enabled": gpu or profile.gpu.enabled})}
    )
    build_environment(fake, there)
    billed = [line for line in ledger.document(fake.world)["billed_now"] if line["kind"] != "nodebalancer"]
    expected = [sum(Decimal(line[span]) for line in billed) for span in ("hourly", "monthly")]
    total = estimate(plan_resources(there), read_prices(fake.account, tmp_path)).total
    for found, price in zip((total.hourly, total.monthly), expected, strict=True):
        assert abs(found - price) <= price / 100


def test_regional_prices_come_first_and_gpu_plans_have_no_other(fake: FakeAccount, tmp_path: Path) -> None:
    prices = read_prices(fake.account, tmp_path)
    assert prices.plan("g6-standard-4", "fr-par").monthly == 48
    assert prices.plan("g6-standard-4", "br-gru").monthly == Decimal("67.2")
    assert prices.plan("g2-gpu-rtx4000a1-s", "fr-par").hourly == Decimal("0.52")
    assert prices.plan("g7-premium-2", "id-cgk").hourly == Decimal("0.0774")


@pytest.mark.parametrize(
    "planned",
    [
        Planned("node", "pool", "g2-gpu-rtx4000a1-s", 1, "br-gru"),
        Planned("node", "pool", "g6-unheard-of", 1, "fr-par"),
        Planned("database", "db", "g6-nanode-1", 2, "fr-par"),
    ],
    ids=["not sold there", "no such plan", "no such number of nodes"],
)
def test_what_has_no_price_is_not_free(fake: FakeAccount, planned: Planned, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"g\d-"):
        estimate([planned], read_prices(fake.account, tmp_path))


def test_prices_are_kept_for_a_day_for_the_account_they_are_of(fake: FakeAccount, tmp_path: Path) -> None:
    def asks() -> int:
        fake.calls.clear()
        read_prices(fake.account, tmp_path)
        return len(fake.calls)

    assert (asks(), asks()) == (len(PRODUCTS), 0)
    kept = json.loads((tmp_path / FILE).read_text())
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    for change in ({"url": "http://elsewhere"}, {"read_at": "2026-01-01T00:00:00.000000Z"}, {"products": {}}):
        (tmp_path / FILE).write_text(json.dumps({**kept, **change}))
        assert asks() == len(PRODUCTS)
    (tmp_path / FILE).write_text("{")
    assert asks() == len(PRODUCTS)


def test_the_estimate_names_what_is_not_in_it(fake: FakeAccount, tmp_path: Path) -> None:
    record = estimate(plan_resources(linode_profiles()[0]), read_prices(fake.account, tmp_path)).as_record()
    assert any("transfer" in text for text in record["not_included"])
    assert any("workloads" in text for text in record["not_included"])
    assert {"hourly", "monthly"} <= set(record["resources"][0])


def test_resources_of_terraform_are_priced_alike(fake: FakeAccount, tmp_path: Path) -> None:
    production = next(profile for profile in linode_profiles() if profile.name == "production")
    resources = [
        (
            "module.lke.linode_lke_cluster.this",
            "linode_lke_cluster",
            {
                "region": "fr-par",
                "control_plane": [{"high_availability": True}],
                "pool": [{"type": "g6-standard-8", "count": None, "autoscaler": [{"min": 3, "max": 6}]}],
            },
        ),
        ("pool", "linode_lke_node_pool", {"type": "g7-highmem-16", "node_count": 1}),
        ("db", "linode_database_postgresql_v2", {"region": "fr-par", "type": "g6-dedicated-2", "cluster_size": 3}),
        ("state", "linode_object_storage_bucket", {"region": "fr-par"}),
        ("exports", "linode_object_storage_bucket", {"region": "fr-par"}),
        ("zone", "linode_domain", {"domain": "example.com"}),
    ]
    prices = read_prices(fake.account, tmp_path)
    by_terraform = estimate(read_terraform(resources, "fr-par"), prices).total
    assert by_terraform == estimate(plan_resources(production), prices).total


def change(address: str, kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    unknown = {"id": True, "region": True} if before is None else {}
    told = {"actions": actions, "before": before, "after": after, "after_unknown": unknown}
    return {"address": address, "type": kind, "name": "this", "change": told}


def test_a_plan_tells_what_it_adds_and_takes_away(fake: FakeAccount, tmp_path: Path) -> None:
    pool = {"type": "g6-standard-4", "node_count": 2}
    changes = [
        change("a", "linode_lke_node_pool", pool, {**pool, "node_count": 3}),
        change("b", "linode_volume", None, {"label": "x", "size": 100}),
        change("c", "linode_instance", {"type": "g6-nanode-1", "region": "fr-par"}, None),
    ]
    plan = read_plan({"resource_changes": changes}, tmp_path / "plan")
    record = price_plan(plan, "fr-par", read_prices(fake.account, tmp_path)).as_record()
    assert (record["before_monthly"], record["after_monthly"]) == ("101.00", "154.00")
    assert record["delta_monthly"] == "53.00"
    down = read_plan({"resource_changes": [change("a", "linode_lke_node_pool", pool, None)]}, tmp_path / "plan")
    assert price_plan(down, "fr-par", read_prices(fake.account, tmp_path)).as_record()["delta_monthly"] == "-96.00"


def test_invoices_tell_the_share_of_the_environment(fake: FakeAccount) -> None:
    development = next(profile for profile in linode_profiles() if profile.name == "development")
    build_environment(fake, development)
    fake.account.create("volume", {"label": "somebody-elses", "region": "fr-par", "size": 100})
    fake.account.create("volume", {"label": "aias-development2", "region": "fr-par", "size": 100})
    fake.world.state.clock_offset += MONTH
    (cluster,) = fake.account.list_all("/lke/clusters")
    fake.account.delete(f"/lke/clusters/{cluster['id']}")
    billed = read_billed(fake.account, "development")
    invoice = billed.invoices[0]
    lines = ledger.document(fake.world)["charges"]
    foreign = {"somebody-elses", "aias-development2", "ccm-development", ""}
    items = fake.account.list_all(f"/account/invoices/{invoice.number}/items")
    own = [item for item in items if not any(f" - {label} (" in item["label"] for label in foreign)]
    assert len(own) == len(lines) - 4
    assert invoice.environment == sum(Decimal(str(item["amount"])) for item in own)
    assert invoice.environment < invoice.total
    assert billed.uninvoiced > 0


def test_what_another_environment_whose_name_begins_alike_was_billed_is_not_its_own(fake: FakeAccount) -> None:
    development = next(profile for profile in linode_profiles() if profile.name == "development")
    build_environment(fake, development.model_copy(update={"name": "a-b", "buckets": {}}))
    fake.account.create("volume", {"label": "aias-a-b-data", "region": "fr-par"})
    fake.world.state.clock_offset += MONTH
    assert read_billed(fake.account, "a").invoices[0].environment == 0
    assert read_billed(fake.account, "a-b").invoices[0].environment > 0


def test_an_account_without_invoices_still_tells_what_is_owed(fake: FakeAccount) -> None:
    fake.account.create("volume", {"label": "aias-x-data", "region": "fr-par"})
    record = read_billed(fake.account, "x").as_record()
    assert record["invoices"] == []
    assert record["account_balance"] == "0.00"


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "0.00"), ("60", "60.00"), ("0.0645", "0.0645"), ("1E+3", "1000.00"), ("2.50", "2.50")]
)
def test_amounts_are_written_exactly(amount: str, text: str) -> None:
    assert format_amount(Decimal(amount)) == text


def test_a_clock_that_was_set_back_does_not_keep_prices_for_ever(fake: FakeAccount, tmp_path: Path) -> None:
    read_prices(fake.account, tmp_path)
    kept = json.loads((tmp_path / FILE).read_text())
    ahead = clock.format_instant(clock.now().replace(year=clock.now().year + 1))
    (tmp_path / FILE).write_text(json.dumps({**kept, "read_at": ahead}))
    fake.calls.clear()
    read_prices(fake.account, tmp_path)
    assert fake.calls

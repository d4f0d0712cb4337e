"""From any profile to any other through Terraform itself: what was planned is what is there afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aias_core.environments.linode.attached import attach_stand_in
from aias_core.environments.linode.plan import EnvironmentPlan
from aias_core.environments.linode.target import LinodeEnvironment
from aias_core.environments.linode.terraform import Terraform
from aias_core.environments.linode.terraform_program import copy_configuration
from aias_core.environments.linode.up import UpOptions
from aias_core.environments.linode.workshop import Infrastructure
from aias_core.environments.schema import LinodeProfile, Pool
from support.campaign import Account, make_account
from support.graph import NODES
from support.linode import TOKEN
from support.near import near_simulator
from support.terraform import account_of

_PLANS = ("g6-standard-2", "g6-standard-4")


@dataclass
class Driven:
    """An account and the real Terraform, whose provider is started once."""

    account: Account
    attached: Mapping[str, str]
    numbers: Iterator[int]

    def begin(self) -> None:
        self.account.begin(next(self.numbers))
        # Tokens that were known before the account was emptied give their ids to later ones.
        self.account.control("POST", "tokens", {"token": TOKEN})

    def environment(self) -> LinodeEnvironment:
        opened = self.account.environment()
        return LinodeEnvironment(opened.opened, opened.timing, self._make)

    def up(self, profile: LinodeProfile) -> EnvironmentPlan:
        """Brings it up to that profile; the plan that was agreed to."""
        self.account.profile = profile
        agreed: list[EnvironmentPlan] = []
        self.environment().up(UpOptions(), agreed.append, lambda _: None)
        return agreed[0]

    def _make(self, directory: Path, variables: Mapping[str, str], backend: Mapping[str, str]) -> Infrastructure:
        given = {**variables, **self.attached, "TF_VAR_poll_milliseconds": "20"}
        return Terraform(copy_configuration("environment", directory), given, backend)


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    directory = tmp_path_factory.mktemp("changes")
    with near_simulator() as near, attach_stand_in(account_of(near.url)) as attached:
        account = make_account(near, directory)
        yield Driven(account, attached, itertools.count(1))


def _pools() -> st.SearchStrategy[dict[str, Pool]]:
    pool = st.builds(
        Pool,
        type=st.sampled_from(_PLANS),
        count=st.integers(1, 3),
        labels=st.dictionaries(st.sampled_from(["role", "team"]), st.sampled_from(["a", "b"]), max_size=2),
    )
    general = st.builds(Pool, type=st.just("g6-standard-4"), count=st.integers(1, 3))
    return st.builds(
        lambda first, more: {"general": first, **more},
        general,
        st.dictionaries(st.sampled_from(["extra", "other"]), pool, max_size=2),
    )


def _changes() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "pools": _pools(),
            "tags": st.lists(st.sampled_from(["team:blue", "cost:four"]), unique=True),
            "ingress": st.lists(st.sampled_from(["192.0.2.0/24", "198.51.100.0/24"]), unique=True),
            "database": st.sampled_from(["g6-dedicated-2", "g6-dedicated-4"]),
        }
    )


def _build(profile: LinodeProfile, change: Mapping[str, Any]) -> LinodeProfile:
    return profile.model_copy(
        update={
            "tags": change["tags"],
            "cluster": profile.cluster.model_copy(update={"pools": change["pools"]}),
            "network": profile.network.model_copy(update={"ingress_cidrs": change["ingress"]}),
            "database": profile.database.model_copy(update={"type": change["database"]}),
        }
    )


def _read(driven: Driven) -> dict[str, Any]:
    """What is in the account, in the words of a profile."""
    account = driven.account.environment().opened.account
    (cluster,) = account.list_all("/lke/clusters")
    (database,) = account.list_all("/databases/postgresql/instances")
    pools = account.list_all(f"/lke/clusters/{cluster['id']}/pools")
    edge = next(row for row in account.list_all("/networking/firewalls") if row["label"].endswith("-edge"))
    return {
        "pools": {one["label"]: (one["type"], one["count"], one["labels"]) for one in pools},
        "tags": sorted(tag for tag in cluster["tags"] if tag in ("team:blue", "cost:four")),
        "ingress": sorted({cidr for rule in edge["rules"]["inbound"] for cidr in rule["addresses"]["ipv4"]}),
        "database": database["type"],
    }


def _expect(change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pools": {name: (pool.type, pool.count, pool.labels) for name, pool in change["pools"].items()},
        "tags": sorted(change["tags"]),
        "ingress": sorted(change["ingress"]),
        "database": change["database"],
    }


# A smaller example would take minutes to find.
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(before=_changes(), after=_changes())
def test_a_plan_from_one_profile_to_another_gives_exactly_the_other(
    driven: Driven, before: dict[str, Any], after: dict[str, Any]
) -> None:
    driven.begin()
    original = driven.account.original
    driven.up(_build(original, before))
    assert _read(driven) == _expect(before)
    if _expect(before) != _expect(after):
        driven.up(_build(original, after))
    assert _read(driven) == _expect(after)
    assert driven.environment().survey().plan.rows() == []
    assert driven.account.ledger()["billed_twice"] == []


def test_what_was_changed_by_hand_is_planned_back_and_a_wider_firewall_is_no_danger_to_close(driven: Driven) -> None:
    driven.begin()
    driven.up(driven.account.original)
    account = driven.account.environment().opened.account
    firewall = next(row for row in account.list_all("/networking/firewalls") if row["label"].endswith("-nodes"))
    opened = {"inbound_policy": "ACCEPT", "outbound_policy": "ACCEPT", "inbound": [], "outbound": []}
    account.update(f"/networking/firewalls/{firewall['id']}/rules", opened)
    plan = driven.up(driven.account.original)
    assert [row["address"] for row in plan.rows()] == [NODES]
    assert plan.dangers == ()
    rules = account.get(f"/networking/firewalls/{firewall['id']}/rules")
    assert rules["inbound_policy"] == "DROP"


def test_removing_a_pool_is_a_danger_by_its_name(driven: Driven) -> None:
    driven.begin()
    driven.up(driven.account.original)
    pools = {"general": driven.account.original.cluster.pools["general"]}
    cluster = driven.account.original.cluster.model_copy(update={"pools": pools})
    driven.account.profile = driven.account.original.model_copy(update={"cluster": cluster})
    plan = driven.environment().survey().plan
    assert [(one.name, one.destroys) for one in plan.dangers] == [("extra", True)]
    assert plan.count() == {"create": 0, "update": 2, "replace": 0, "delete": 1}

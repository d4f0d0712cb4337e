from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aias_core import clock
from aias_core.environments.linode.quota import (
    FILE,
    Allotment,
    Quota,
    read_quota,
    remember_refusal,
    wanted_resources,
)
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import LimitReached, PrerequisiteMissing
from support.fake_account import FakeAccount, build_environment, make_account


@pytest.fixture
def fake() -> FakeAccount:
    return make_account()


def profile_of(name: str = "development", **limits: int) -> LinodeProfile:
    profile = load_profile(name, None)
    assert isinstance(profile, LinodeProfile)
    return profile.model_copy(update={"limits": limits})


def by_kind(fake: FakeAccount, profile: LinodeProfile, directory: Path) -> dict[str, Allotment]:
    return {one.kind: one for one in read_quota(fake.account, profile, directory).kinds}


def test_what_nobody_tells_is_unknown_and_never_short(fake: FakeAccount, tmp_path: Path) -> None:
    found = by_kind(fake, profile_of(), tmp_path)
    assert found["instance"].as_record() == {
        "kind": "instance",
        "used": 0,
        "needed": 2,
        "limit": "unknown",
        "source": None,
        "verdict": "unknown",
    }
    assert (found["bucket"].limit, found["bucket"].source, found["key"].limit) == (1_000, "Linode", 100)
    assert Quota(list(found.values())).find_shortage() is None


def test_an_environment_that_is_there_needs_nothing_more(fake: FakeAccount, tmp_path: Path) -> None:
    profile = profile_of("production", instance=4, cluster=1)
    build_environment(fake, profile)
    fake.account.create("volume", {"label": "somebody-elses", "region": "fr-par"})
    found = by_kind(fake, profile, tmp_path)
    there = ("instance", "cluster", "nodebalancer", "database", "bucket", "key")
    assert {kind: found[kind].needed for kind in there} == dict.fromkeys(there, 0)
    assert (found["instance"].used, found["volume"].used, found["instance"].verdict) == (4, 1, "ok")


def test_it_is_short_when_the_profile_allows_fewer(fake: FakeAccount, tmp_path: Path) -> None:
    build_environment(fake, profile_of("development"))
    staging = profile_of("staging", instance=5, cluster=2)
    found = by_kind(fake, staging, tmp_path)
    assert (found["instance"].verdict, found["cluster"].verdict) == ("short", "ok")
    fault = Quota(list(found.values())).find_shortage()
    assert isinstance(fault, LimitReached)
    assert "instance: 2 used, 4 more needed, 5 allowed" in fault.message


def test_a_refusal_is_remembered_with_its_date_and_wins_over_a_wider_profile(fake: FakeAccount, tmp_path: Path) -> None:
    remember_refusal(tmp_path, "instance", 1)
    remember_refusal(tmp_path, "volume", 9)
    found = by_kind(fake, profile_of(instance=50), tmp_path)
    assert (found["instance"].limit, found["instance"].verdict) == (1, "short")
    assert found["instance"].source == f"refused on {clock.now():%Y-%m-%d}"
    assert found["volume"].limit == 9


def test_a_refusal_is_forgotten_when_the_account_has_more_or_it_is_old(fake: FakeAccount, tmp_path: Path) -> None:
    remember_refusal(tmp_path, "instance", 1)
    build_environment(fake, profile_of("staging"))
    assert by_kind(fake, profile_of(), tmp_path)["instance"].verdict == "unknown"
    allowed = by_kind(fake, profile_of(instance=50), tmp_path)["instance"]
    assert (allowed.limit, allowed.source) == (50, "profile")
    old = clock.format_instant(clock.now() - timedelta(days=31))
    (tmp_path / FILE).write_text(json.dumps({"vpc": {"limit": 0, "refused_at": old}}))
    assert by_kind(fake, profile_of(), tmp_path)["vpc"].limit is None


def test_a_damaged_memory_is_said(fake: FakeAccount, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    with pytest.raises(PrerequisiteMissing, match="limits"):
        read_quota(fake.account, profile_of(), tmp_path)


def test_another_environment_whose_name_begins_alike_does_not_count(fake: FakeAccount, tmp_path: Path) -> None:
    build_environment(fake, profile_of().model_copy(update={"name": "development-eu"}))
    found = by_kind(fake, profile_of(), tmp_path)
    assert {kind: found[kind].needed for kind in ("cluster", "nodebalancer", "database", "key")} == {
        "cluster": 1,
        "nodebalancer": 1,
        "database": 1,
        "key": 2,
    }
    assert found["bucket"].needed == len(profile_of().buckets)


def test_keys_are_named_by_the_prefix_of_the_buckets(fake: FakeAccount, tmp_path: Path) -> None:
    profile = profile_of().model_copy(update={"bucket_prefix": "acme"})
    build_environment(fake, profile)
    assert by_kind(fake, profile, tmp_path)["key"].needed == 0


def test_gpu_pools_count_only_where_gpus_are_enabled() -> None:
    assert wanted_resources(profile_of("system"))["instance"] == 5
    assert wanted_resources(profile_of("production"))["instance"] == 4

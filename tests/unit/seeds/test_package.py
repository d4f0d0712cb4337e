from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aias_core.errors import ExitCode, InvalidInput, NotFound, Refused
from aias_core.seeds.package import check_environment, list_packages, load_package


def test_every_shipped_package_is_valid() -> None:
    assert list_packages() == ["bench", "ci", "local-dev", "staging"]
    assert all(load_package(name, {}).name == name for name in list_packages())


def test_ci_is_local_dev_with_a_clock_that_stands_still_and_its_own_identifiers() -> None:
    ci, local = load_package("ci", {}), load_package("local-dev", {})
    assert ci.organizations == local.organizations
    assert (ci.anchored_at, local.anchored_at) == (datetime(2026, 1, 15, tzinfo=UTC), None)
    assert ci.derive_id("organizations", "dev-org") != local.derive_id("organizations", "dev-org")


def test_an_identifier_follows_from_the_name_and_is_of_version_5() -> None:
    package = load_package("local-dev", {})
    assert str(package.derive_id("organizations", "dev-org")) == "008930d1-f839-5854-acda-621901fdae02"
    assert package.derive_id("organizations", "dev-org").version == 5


def test_the_first_package_holds_a_person_for_each_role_and_what_they_work_with() -> None:
    dev, other = load_package("local-dev", {}).organizations
    assert {member.role for member in dev.members} == {"owner", "admin", "developer", "billing", "viewer"}
    assert other.slug != dev.slug
    assert (len(dev.projects), len(dev.keys), dev.budgets[0].limit) == (1, 1, 1_000_000)


def test_staging_holds_nobodys_secrets() -> None:
    assert not any(org.members or org.keys for org in load_package("staging", {}).organizations)


def test_bench_grows_to_the_figures_that_are_asked_for() -> None:
    package = load_package("bench", {"orgs": 3, "models": 2, "events": 1000, "days": 7, "rng_seed": 9})
    assert (len(package.organizations), len(package.models)) == (3, 2)
    assert package.usage is not None
    assert (package.usage.events, package.usage.days, package.usage.rng_seed) == (1000, 7, 9)


@pytest.mark.parametrize(
    ("name", "asked", "error"),
    [("nope", {}, NotFound), ("ci", {"orgs": 3}, InvalidInput), ("bench", {"days": 4000}, InvalidInput)],
)
def test_what_cannot_be_asked_for_is_refused(name: str, asked: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        load_package(name, asked)


@pytest.mark.parametrize("name", ["local-dev", "ci", "staging", "bench"])
@pytest.mark.parametrize("environment", ["production", "system"])
def test_no_package_goes_into_production(name: str, environment: str) -> None:
    with pytest.raises(Refused, match="never") as caught:
        check_environment(load_package(name, {}), environment)
    assert caught.value.exit_code == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("name", "environment", "allowed"),
    [
        ("local-dev", "local", True),
        ("local-dev", "demo", True),
        ("local-dev", "development", True),
        ("local-dev", "staging", False),
        ("staging", "local", False),
        ("staging", "staging", True),
        ("bench", "staging", True),
    ],
)
def test_a_package_goes_where_it_is_meant_for(name: str, environment: str, allowed: bool) -> None:
    if allowed:
        check_environment(load_package(name, {}), environment)
    else:
        with pytest.raises(Refused, match="is for"):
            check_environment(load_package(name, {}), environment)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aias_core.environments.linode.preflight import Preflight, check_token, check_tools, run_preflight
from aias_core.environments.profiles import list_environments, load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import AiasError, Conflict, InvalidInput, LimitReached, PrerequisiteMissing, Refused
from support.fake_account import FakeAccount, build_environment, make_account

NEEDED = (
    "linodes:read_write lke:read_write databases:read_write vpc:read_write firewall:read_write "
    "nodebalancers:read_write domains:read_write object_storage:read_write events:read_only volumes:read_only"
)
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def fake() -> FakeAccount:
    return make_account(scopes=NEEDED)


def profile_of(name: str = "development", change: Change | None = None) -> LinodeProfile:
    profile = load_profile(name, None)
    assert isinstance(profile, LinodeProfile)
    content = profile.model_dump()
    if change:
        change(content)
    return LinodeProfile.model_validate(content)


def look(fake: FakeAccount, profile: LinodeProfile, directory: Path, caller: str | None = None) -> Preflight:
    return run_preflight(fake.account, profile, directory, caller=caller, writes=True)


@pytest.mark.parametrize("name", [name for name in list_environments(None) if name not in ("local", "demo")])
def test_what_ships_passes_and_changes_nothing(fake: FakeAccount, name: str, tmp_path: Path) -> None:
    found = look(fake, profile_of(name), tmp_path)
    assert {check.verdict for check in found.checks} == {"ok"}
    assert found.find_fault() is None
    assert {call[0] for call in fake.calls} == {"GET"}


@pytest.mark.parametrize("name", ["development", "system"])
def test_an_environment_that_is_there_passes_again(fake: FakeAccount, name: str, tmp_path: Path) -> None:
    build_environment(fake, profile_of(name))
    assert look(fake, profile_of(name), tmp_path).find_fault() is None


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda p: p.update(region="fr-lyon"), InvalidInput, "'fr-lyon'"),
        (lambda p: p.update(region="eu-west"), InvalidInput, "Object Storage"),
        (lambda p: p.update(region="nl-ams", gpu={"enabled": True}), InvalidInput, "GPU Linodes"),
        (lambda p: p["cluster"].update(version="1.29"), InvalidInput, "1.36, 1.35, 1.34, 1.33"),
        (lambda p: p["cluster"]["pools"]["general"].update(type="g9-huge"), InvalidInput, "'g9-huge'"),
        (lambda p: p["cluster"]["pools"]["general"].update(type="g1-gpu-rtx6000-1"), LimitReached, "not available"),
        (lambda p: p["database"].update(version="12"), InvalidInput, "PostgreSQL 12"),
        (lambda p: p["database"].update(type="g9-huge"), InvalidInput, "'g9-huge'"),
        (lambda p: p["database"].update(type="g6-nanode-1", nodes=2), InvalidInput, "only with 1, 3 nodes"),
        (lambda p: p.update(limits={"instance": 1}), LimitReached, "instance: 0 used, 2 more needed, 1 allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_said_before_anything_is_made(
    fake: FakeAccount, change: Change, error: type[AiasError], text: str, tmp_path: Path
) -> None:
    fault = look(fake, profile_of(change=change), tmp_path).find_fault()
    assert isinstance(fault, error)
    assert text in fault.message
    assert fault.hint or "known are" in fault.message


@pytest.mark.parametrize(
    ("api", "version", "verdict"), [("v4beta", "1.34", "ok"), ("v4beta", "1.30", "failed"), ("v4", "1.34", "failed")]
)
def test_versions_of_the_enterprise_tier_are_those_of_its_builds(
    api: str, version: str, verdict: str, tmp_path: Path
) -> None:
    profile = profile_of(change=lambda p: p["cluster"].update(tier="enterprise", version=version))
    found = look(make_account(scopes=NEEDED, version=api), profile, tmp_path)
    assert next(one.verdict for one in found.checks if one.name == "Kubernetes version") == verdict


def test_several_faults_are_named_at_once(fake: FakeAccount, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["cluster"]["version"] = "1.29"
        content["database"]["version"] = "12"

    fault = look(fake, profile_of(change=change), tmp_path).find_fault()
    assert fault
    assert "1.29" in fault.message
    assert "PostgreSQL 12" in fault.message


def test_a_plan_out_of_stock_comes_with_what_is_there_instead(fake: FakeAccount, tmp_path: Path) -> None:
    fake.world.state.settings.out_of_stock = [("fr-par", "g2-gpu-rtx4000a1-s")]
    fault = look(fake, profile_of("system"), tmp_path).find_fault()
    assert isinstance(fault, LimitReached)
    assert "g2-gpu-rtx4000a1-m" in str(fault.hint)
    assert "de-fra-2" in str(fault.hint)


@pytest.mark.parametrize("tags", [[], ["aias"], ["env:development"]], ids=["none", "no environment", "not ours"])
def test_a_name_taken_by_somebody_else_is_a_conflict(fake: FakeAccount, tags: list[str], tmp_path: Path) -> None:
    body = {"label": "aias-development", "region": "fr-par", "k8s_version": "1.34", "tags": tags}
    fake.account.create("cluster", {**body, "node_pools": [{"type": "g6-standard-4", "count": 1}]})
    fault = look(fake, profile_of(), tmp_path).find_fault()
    assert isinstance(fault, Conflict)
    assert "cluster 'aias-development'" in fault.message


def test_an_environment_whose_name_begins_alike_is_no_conflict(fake: FakeAccount, tmp_path: Path) -> None:
    build_environment(fake, profile_of().model_copy(update={"name": "development-2", "buckets": {}}))
    assert look(fake, profile_of(), tmp_path).find_fault() is None


@pytest.mark.parametrize(
    ("caller", "verdict"),
    [
        ("203.0.113.9", "ok"),
        ("198.51.100.7", "failed"),
        ("2001:db8::1", "ok"),
        ("2001:db9::1", "failed"),
        (None, "failed"),
    ],
)
def test_an_access_list_must_hold_the_caller(
    fake: FakeAccount, caller: str | None, verdict: str, tmp_path: Path
) -> None:
    acl = {"enabled": True, "ipv4": ["203.0.113.0/24"], "ipv6": ["2001:db8::/32"]}
    found = look(fake, profile_of(change=lambda p: p["cluster"].update(acl=acl)), tmp_path, caller)
    assert next(one.verdict for one in found.checks if one.name == "control-plane access") == verdict
    assert isinstance(found.find_fault(), Refused) == (verdict == "failed")


@pytest.mark.parametrize(
    ("scopes", "writes", "verdict", "text"),
    [
        (NEEDED, True, "ok", "needed"),
        (NEEDED, False, "warning", "lke:read_write"),
        (NEEDED.replace("read_write", "read_only"), False, "ok", "needed"),
        (NEEDED.replace("lke:read_write", "lke:read_only"), True, "failed", "lke:read_write"),
        (NEEDED.replace("vpc:read_write ", ""), True, "failed", "vpc:read_write"),
        (f"{NEEDED} account:read_only", True, "warning", "account:read_only"),
        ("*", True, "warning", "*"),
        ("", False, "failed", "linodes:read_only"),
    ],
)
def test_scopes_of_the_token(scopes: str, writes: bool, verdict: str, text: str) -> None:
    fake = make_account(scopes=scopes)
    (check,) = check_token(fake.account.token_scopes(), writes=writes)
    assert check.verdict == verdict
    assert text in check.detail
    assert check.error is None or isinstance(check.error, PrerequisiteMissing)


def test_a_token_that_is_too_narrow_ends_the_run(tmp_path: Path) -> None:
    fake = make_account(scopes="lke:read_only")
    fault = look(fake, profile_of(), tmp_path).find_fault()
    assert isinstance(fault, PrerequisiteMissing)
    assert [call[1] for call in fake.calls] == ["/profile"]


def test_a_terraform_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_tools().verdict == "ok"
    monkeypatch.setenv("AIAS_TERRAFORM_BIN", "/nowhere/terraform")
    assert isinstance(check_tools().error, PrerequisiteMissing)

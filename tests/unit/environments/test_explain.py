from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.environments.difference import compare_environments
from aias_core.environments.explain import explain_value, list_component_values, list_values
from aias_core.environments.profiles import list_environments
from aias_core.errors import AiasError, InvalidInput, NotFound

PLANTED = "hunter2-planted"


def write(directory: Path, name: str, text: str) -> Path:
    path = directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_source_of_a_value_is_told_the_last_in_effect(tmp_path: Path) -> None:
    own = write(tmp_path, "development", "# mine\ngpu:\n  enabled: true\n")
    found = explain_value("development", "gpu.enabled", tmp_path, ["gpu.enabled=false"])
    assert found.value is False
    assert [(Path(s.source).name, s.line, s.value) for s in found.settings] == [
        ("linode.yaml", 26, False),
        (own.name, 3, True),
        ("--set", 0, False),
    ]


def test_a_template_is_told_beside_its_value() -> None:
    found = explain_value("development", "buckets.telemetry.expire_days", None)
    assert (found.value, found.template) == (90, "${retention.logs_days}")


def test_a_template_is_told_without_the_credential_in_it() -> None:
    found = explain_value("staging", "gitops.repo", None, ["gitops.repo=https://user:hunter2-planted@${name}.example"])
    assert PLANTED not in str(found)
    assert "${name}" in str(found.template)


def test_a_null_above_a_value_is_a_source_that_takes_it_away(tmp_path: Path) -> None:
    own = write(tmp_path, "mine", "extends: demo\nmock: null\n")
    found = explain_value("mine", "mock.ttft_ms", tmp_path)
    assert found.settings[-1].as_record() == {"source": str(own), "line": 2, "value": None, "takes_away": True}
    assert {row["key"]: row["source"] for row in list_values("mine", tmp_path)}["mock.ttft_ms"] == f"{own}:2"


def test_what_nobody_sets_is_a_default_and_null_takes_away(tmp_path: Path) -> None:
    assert [s.source for s in explain_value("development", "domain", None).settings] == ["default"]
    write(tmp_path, "mine", "extends: demo\nmock: {ttft_ms: null}\n")
    found = explain_value("mine", "mock.ttft_ms", tmp_path)
    assert (found.value, found.settings[-1].value) == (100, None)


@pytest.mark.parametrize("key", ["nonsense", "cluster.pools.huge", "gpu.enabled.more"])
def test_an_unknown_key_is_not_found(key: str) -> None:
    with pytest.raises(NotFound, match="has no key"):
        explain_value("development", key, None)


@pytest.mark.parametrize("name", list_environments(None))
def test_every_value_has_an_origin(name: str) -> None:
    rows = list_values(name, None)
    assert {"name", "target", "log_level"} <= {row["key"] for row in rows}
    assert all(row["source"] for row in rows)


def test_a_component_shows_the_port_that_the_profile_fixes() -> None:
    override = ["ports.fixed={router: 18080}"]
    rows = {row["key"]: row for row in list_component_values("local", "router", None, override)}
    assert (rows["ports.main"]["value"], rows["ports.main"]["source"]) == (18080, "--set")
    assert rows["ports.ops"]["value"] == 9080
    with pytest.raises(NotFound, match="redis"):
        list_component_values("local", "redis", None)


def test_a_difference_names_components_variables_and_values() -> None:
    found = {
        (row.kind, row.name): (row.first, row.second) for row in compare_environments("staging", "production", None)
    }
    assert found["component", "mock-model"] == ("there", None)
    assert found["variable", "AIAS_MOCK_MODELS"] == ("there", None)
    assert found["value", "database.nodes"] == (2, 3)
    assert ("value", "name") not in found
    assert compare_environments("staging", "staging", None) == []


def test_secrets_differ_by_name_only(tmp_path: Path) -> None:
    secret = f"{{owner: {PLANTED}, purpose: {PLANTED}, source: 'secret://env/{PLANTED}'}}"
    write(tmp_path, "mine", f"extends: staging\nsecrets: {{grafana-admin: {secret}, other: {secret}}}\n")
    write(tmp_path, "yours", "extends: staging\naccount: {token: secret://env/OTHER_TOKEN}\n")
    found = compare_environments("mine", "yours", tmp_path)
    assert {(row.kind, row.name, row.first, row.second) for row in found if row.kind == "secret"} == {
        ("secret", "grafana-admin", "another", "another"),
        ("secret", "other", "there", None),
        ("secret", "account.token", "another", "another"),
    }
    assert PLANTED not in str(found)


@pytest.mark.parametrize("key", ["account.token", "secrets.image-registry.source"])
def test_a_secret_in_clear_is_refused_and_printed_nowhere(tmp_path: Path, key: str) -> None:
    override = [f"{key}={PLANTED}"]
    for ask in (
        lambda: explain_value("staging", key, None, override),
        lambda: list_values("staging", None, override),
    ):
        with pytest.raises(InvalidInput, match="in clear") as caught:
            ask()
        assert PLANTED not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("key", ["domain", "tags", "target", "gitops.repo", "cluster.version", "account.api_url"])
def test_a_credential_in_any_other_field_is_masked(key: str) -> None:
    planted = "https://user:hunter2-planted@example.com"
    try:
        shown = str(list_values("staging", None, [f"{key}={planted}"]))
    except AiasError as error:
        shown = error.message
    assert PLANTED not in shown

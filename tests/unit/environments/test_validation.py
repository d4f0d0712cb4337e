from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aias_core.environments.findings import Finding, find_errors
from aias_core.environments.profiles import list_environments
from aias_core.environments.validation import validate_environment
from aias_core.errors import InvalidInput, NotFound

FAULTS = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text())


def write(directory: Path, text: str, name: str = "mine") -> Path:
    path = directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def find(directory: Path, text: str, *, name: str = "mine") -> list[Finding]:
    write(directory, text, name)
    return validate_environment(name, directory).findings


@pytest.mark.parametrize("name", list_environments(None))
def test_what_ships_has_no_errors(name: str) -> None:
    assert validate_environment(name, None).find_fault() is None


def test_an_unknown_environment_is_not_found() -> None:
    with pytest.raises(NotFound, match="known are"):
        validate_environment("nowhere", None)


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: f"{case['rule']} {case['key']}")
def test_a_fault_is_found_with_its_line_and_a_fix(tmp_path: Path, case: dict[str, Any]) -> None:
    errors = find_errors(find(tmp_path, case["profile"]))
    assert [(found.rule, found.key, found.line) for found in errors] == [(case["rule"], case["key"], case["line"])]
    assert errors[0].file == str(tmp_path / "mine.yaml")
    assert errors[0].fix


def test_all_of_them_are_found_in_one_run(tmp_path: Path) -> None:
    text = (
        "extends: staging\ncolour: red\nprotect: maybe\naccount: {token: hunter2}\n"
        "network:\n  vpc_cidr: 10.2.0.0/16\n  subnets: {nodes: 10.2.0.0/20}\n"
        "cluster:\n  pools:\n    general: {count: 2, minimum: 2}\n"
        "retention: {metrics_days: 7}\ndomain: '${nothing}'\nsecrets: {x: {purpose: y}}\n"
    )
    found = find(tmp_path, text)
    assert {finding.rule for finding in find_errors(found)} == {
        *("unknown-key", "value", "literal-secret", "cidr-overlap", "pool-floor", "retention-floor"),
        *("template", "missing-field"),
    }
    assert not any("hunter2" in finding.format() for finding in found)


def test_a_misspelt_key_gets_the_right_one(tmp_path: Path) -> None:
    (finding,) = find_errors(find(tmp_path, "extends: staging\nnetwork: {vpc_cdir: 10.1.0.0/16}\n"))
    assert finding.fix == "did you mean 'vpc_cidr'?"


def test_development_may_be_smaller_with_a_warning(tmp_path: Path) -> None:
    text = "extends: development\ncluster: {pools: {general: {count: 1, minimum: 1}}}\n"
    found = find(tmp_path, text)
    assert find_errors(found) == []
    assert ("pool-floor", "warning") in {(finding.rule, finding.severity) for finding in found}


def test_a_rule_of_a_firewall_takes_so_many_addresses(tmp_path: Path) -> None:
    many = ", ".join(f"10.9.{number}.0/24" for number in range(256))
    (finding,) = find_errors(find(tmp_path, f"extends: staging\nnetwork: {{egress_cidrs: [{many}]}}\n"))
    assert (finding.rule, finding.key) == ("firewall-limit", "network.egress_cidrs")


def test_a_name_that_fits_no_label_is_refused(tmp_path: Path) -> None:
    (finding,) = find_errors(find(tmp_path, "extends: staging\n", name="a-name-of-nineteen1"))
    assert finding.rule == "name"


def test_a_cycle_is_an_error_of_the_file_that_closes_it(tmp_path: Path) -> None:
    write(tmp_path, "extends: second\n", "first")
    write(tmp_path, "# second\nextends: first\n", "second")
    (finding,) = find_errors(validate_environment("first", tmp_path).findings)
    assert finding.problem == "the profile extends itself: first -> second -> first"
    assert (finding.file, finding.line) == (str(tmp_path / "second.yaml"), 2)


def test_a_port_that_another_template_fixes_is_found_and_a_circle_is_a_finding(tmp_path: Path) -> None:
    region = "extends: local\nrouter: {region: 'r-${component.identity.port}'}\nports:\n  fixed:\n"
    assert find_errors(find(tmp_path, region + "    identity: '${component.postgres.port}'\n")) == []
    circle = "    identity: '${component.router.port}'\n    router: '${component.identity.port}'\n"
    found = find_errors(find(tmp_path, region + circle))
    assert {finding.rule for finding in found} == {"template"}
    assert all("leads back to itself" in finding.problem for finding in found)
    assert {finding.rule for finding in find_errors(find(tmp_path, region + "    identity: many\n"))} == {"value"}


@pytest.mark.parametrize("text", ["mock: &m\n  more: *m\n", "mock:\n  models: &m [a, *m]\n"])
def test_an_alias_inside_of_what_it_names_is_a_finding(tmp_path: Path, text: str) -> None:
    (finding,) = find_errors(find(tmp_path, f"extends: local\n{text}"))
    assert (finding.rule, "alias" in finding.problem) == ("syntax", True)
    with pytest.raises(InvalidInput, match="alias"):
        validate_environment("local", None, ["mock=&m {more: *m}"])


def test_a_pattern_is_told_as_it_is(tmp_path: Path) -> None:
    (finding,) = find_errors(find(tmp_path, "extends: staging\ngitops: {repo: nothing}\n"))
    assert finding.problem == r"string should match pattern '^(https://|ssh://|git@)\S+$'"


def test_an_override_that_is_wrong_is_named_as_such() -> None:
    (finding,) = find_errors(validate_environment("staging", None, ["database.nodes=7"]).findings)
    assert (finding.file, finding.line, finding.key) == ("--set", 0, "database.nodes")
    with pytest.raises(InvalidInput, match="no value"):
        validate_environment("staging", None, ["database.nodes"])


def test_a_file_that_others_may_read_is_no_place_for_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("planted-value")
    text = f"extends: staging\naccount: {{token: 'secret://file/{secret}'}}\n"
    secret.chmod(0o644)
    (finding,) = find_errors(find(tmp_path, text))
    assert "chmod 600" in finding.fix
    secret.chmod(0o600)
    assert find_errors(find(tmp_path, text)) == []


def test_what_needs_an_account_is_said_to_be_left_out() -> None:
    assert "region" in validate_environment("staging", None).skipped
    assert validate_environment("local", None).skipped == []

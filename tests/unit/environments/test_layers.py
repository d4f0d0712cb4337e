from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.environments.findings import Finding
from aias_core.environments.keypath import format_path, parse_path
from aias_core.environments.layers import parse_overrides, read_layer
from aias_core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("gpu.enabled", ("gpu", "enabled")),
        ('ports.fixed."router.ops"', ("ports", "fixed", "router.ops")),
        ("log_level", ("log_level",)),
    ],
)
def test_a_path_reads_as_it_is_written(text: str, path: tuple[str, ...]) -> None:
    assert parse_path(text) == path
    assert format_path(path) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", '"a', 'a"b"'])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a path"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("gpu.enabled=true", {"gpu": {"enabled": True}}),
        ("network.ingress_cidrs=[10.1.0.0/16]", {"network": {"ingress_cidrs": ["10.1.0.0/16"]}}),
        ("domain=", {"domain": None}),
        ("cluster.version='1.34'", {"cluster": {"version": "1.34"}}),
        ("gitops.path=a=b", {"gitops": {"path": "a=b"}}),
    ],
)
def test_an_override_is_read_as_yaml(text: str, content: dict[str, object]) -> None:
    assert [layer.content for layer in parse_overrides([text])] == [content]


@pytest.mark.parametrize("text", ["gpu.enabled", "=true", "gpu={"])
def test_an_override_of_no_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_overrides([text])


def test_a_layer_knows_the_line_of_each_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("# first\nextends: local\nmock:\n  ttft_ms: 1\n  models:\n    - one\n    - two\n")
    layer = read_layer(path, pytest.fail)
    assert layer.find_line(("mock",)) == 3
    assert layer.find_line(("mock", "ttft_ms")) == 4
    assert layer.find_line(("mock", "models", 1)) == 7
    assert layer.find_line(("mock", "absent")) == 3


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: {\n", 3, "YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("m:\n  a: 1\n  a: 2\n", 3, "twice"),
        ("- a\n", 1, "not a mapping"),
        ("a: \x07\n", 1, "YAML"),
    ],
)
def test_syntax_is_reported_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    found: list[Finding] = []
    read_layer(path, found.append)
    assert [(finding.rule, finding.line) for finding in found] == [("syntax", line)]
    assert problem in found[0].problem

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aias_core.environments.profiles import load_local_profile, load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.environments.templates import Resolver
from aias_core.errors import InvalidInput

TREE: dict[str, Any] = {
    "port": 8080,
    "host": "example.com",
    "url": "https://${host}:${port}",
    "hosts": ["a", "b"],
    "loop": "${pool}",
    "pool": "${loop}",
}


def find(path: tuple[str, ...]) -> Any:
    return TREE[path[0]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${port}", 8080),
        ("x-${port}", "x-8080"),
        ("${url}/v1", "https://example.com:8080/v1"),
        ("${hosts}", ["a", "b"]),
        ("$${port}", "${port}"),
        ("$port", "$port"),
    ],
)
def test_a_template_is_another_value(text: str, value: object) -> None:
    resolver = Resolver(find)
    assert resolver.resolve({"key": text}) == {"key": value}
    assert resolver.faults == {}


@pytest.mark.parametrize("text", ["${nothing}", "${loop}", "${}", "a ${hosts}"])
def test_a_template_without_a_value_is_reported_and_stays(text: str) -> None:
    resolver = Resolver(find)
    assert resolver.resolve({"list": ["x", text]}) == {"list": ["x", text]}
    assert list(resolver.faults) == [("list", 1)]


def test_a_profile_knows_its_name_and_the_ports_of_components(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "extends: local\nrouter: {region: '${name}-1'}\n"
        "ports:\n  fixed:\n    identity: 18081\n    analytics: '${component.postgres.port}'\n"
        "    router.ops: '${component.identity.port}'\n"
        "start_timeout_seconds: '${component.mock-model-2.port.ops}'\n"
    )
    with pytest.raises(InvalidInput, match="start_timeout_seconds"):
        load_profile("mine", tmp_path)
    mine = load_local_profile("mine", tmp_path, ["start_timeout_seconds=5"])
    assert mine.router.region == "mine-1"
    assert mine.ports.fixed == {"identity": 18081, "analytics": 5433, "router.ops": 18081}


def test_a_template_finds_the_default_of_a_field(tmp_path: Path) -> None:
    (tmp_path / "far.yaml").write_text("extends: development\ndomain: '${slo.availability}.${database.nodes}.com'\n")
    far = load_profile("far", tmp_path, ["slo=", "retention={logs_days: 40}"])
    assert isinstance(far, LinodeProfile)
    assert far.domain == "99.5.1.com"
    assert far.buckets["telemetry"].expire_days == 40

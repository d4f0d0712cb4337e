from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from aias_core.environments.profiles import check_environment, list_environments, load_local_profile, load_profile
from aias_core.environments.rules.pools import list_active_pools
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import InvalidInput, NotFound


def write(directory: Path, name: str, text: str) -> None:
    (directory / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_shipped_profiles_are_valid() -> None:
    targets = {name: load_profile(name, None).target for name in list_environments(None)}
    assert targets == {
        "demo": "local",
        "development": "linode",
        "local": "local",
        "production": "linode",
        "staging": "linode",
        "system": "linode",
    }


def test_demo_has_no_delays_and_stays_out_of_the_way() -> None:
    demo = load_local_profile("demo", None)
    assert (demo.mock.ttft_ms, demo.mock.token_ms, demo.ports.prefer_defaults) == (0, 0, False)


@pytest.mark.parametrize("name", ["nowhere", "base", "linode", "../local", "Local", ""])
def test_unknown_environment_lists_the_known_ones(name: str) -> None:
    with pytest.raises(NotFound, match="known are: demo, development, local, production, staging, system") as caught:
        check_environment(name, None)
    assert caught.value.hint is not None
    assert "--config" in caught.value.hint


def test_own_profile_changes_only_what_it_says(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: local\nmock:\n  ttft_ms: 5\n")
    mine = load_local_profile("mine", tmp_path)
    assert (mine.mock.ttft_ms, mine.mock.token_ms) == (5, 10)
    assert set(list_environments(tmp_path)) - set(list_environments(None)) == {"mine"}


def test_own_file_of_a_shipped_name_extends_the_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, "local", "extends: local\nports:\n  fixed: {router: 18080}\n")
    local = load_local_profile("local", tmp_path)
    assert local.ports.fixed == {"router": 18080}
    assert local.mock.ttft_ms == 100


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    write(tmp_path, "bad", "extends: local\ncolour: red\nmock:\n  ttft_ms: -1\n  speed: 3\n")
    with pytest.raises(InvalidInput) as caught:
        load_profile("bad", tmp_path)
    assert all(part in caught.value.message for part in ("colour", "mock.ttft_ms", "mock.speed"))


@pytest.mark.parametrize(
    "text",
    ["extends: elsewhere\n", "- a list\n", "mock: {", "extends: loop\n"],
    ids=["unknown base", "not a mapping", "not yaml", "itself"],
)
def test_unusable_profile_is_one_sentence(tmp_path: Path, text: str) -> None:
    write(tmp_path, "loop", text)
    with pytest.raises(InvalidInput, match="loop"):
        load_profile("loop", tmp_path)


def test_own_file_of_a_shipped_name_lies_over_it_without_saying_so(tmp_path: Path) -> None:
    write(tmp_path, "development", "region: us-ord\n")
    write(tmp_path, "base", "log_level: debug\n")
    development = load_linode("development", tmp_path)
    assert (development.region, development.log_level, development.database.nodes) == ("us-ord", "debug", 1)


def test_an_override_wins_over_every_file(tmp_path: Path) -> None:
    write(tmp_path, "development", "region: us-ord\n")
    assert load_linode("development", tmp_path, ["region=nl-ams", "region=de-fra-2"]).region == "de-fra-2"
    assert load_linode("development", tmp_path, ["region="]).region == "fr-par"


@pytest.mark.parametrize(
    ("name", "pools", "nodes", "ha", "protect", "gpu"),
    [
        ("development", {"general": ("g6-standard-4", 2, 2, 4)}, 1, False, False, False),
        ("staging", {"general": ("g6-standard-6", 4, 4, 8)}, 2, False, False, False),
        (
            "production",
            {"general": ("g6-standard-8", 3, 3, 6), "highmem": ("g7-highmem-16", 1, 1, 2)},
            *(3, True, True, False),
        ),
        (
            "system",
            {"ops": ("g6-standard-6", 3, 3, 6), "gpu": ("g2-gpu-rtx4000a1-s", 2, 2, 4)},
            *(2, True, False, True),
        ),
    ],
)
def test_what_ships_is_what_is_required(
    name: str, pools: dict[str, object], nodes: int, ha: bool, protect: bool, gpu: bool
) -> None:
    profile = load_linode(name, None)
    active = {key: (p.type, p.count, p.minimum, p.maximum) for key, p in list_active_pools(profile).items()}
    assert active == pools
    assert (profile.database.nodes, profile.cluster.ha, profile.protect, profile.gpu.enabled) == (
        nodes,
        ha,
        protect,
        gpu,
    )
    assert profile.namespaces["models"].name == f"env-{name}-models"


def load_linode(name: str, own: Path | None, overrides: Sequence[str] = ()) -> LinodeProfile:
    profile = load_profile(name, own, overrides)
    assert isinstance(profile, LinodeProfile)
    return profile

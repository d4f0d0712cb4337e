"""What is in the account and in no state is taken over, and the profile of it is told."""

from __future__ import annotations

import shutil

import pytest

from aias_core.environments.linode.states import read_state
from aias_core.environments.linode.terraform_state import list_instances
from support.settled import NAME, Settled


def _addresses(place: Settled) -> dict[str, str]:
    content = place.open().state.versions.read_newest()
    return {one.address: one.id for one in list_instances(read_state(content))} if content else {}


def test_a_lost_state_is_made_again_from_the_account(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    before = _addresses(place)
    shutil.rmtree(place.directory / "store")
    pool = place.rows(f"{place.cluster_path}/pools")[0]
    bounds = {"autoscaler": {"enabled": True, "min": 2, "max": 6}}
    place.api("PUT", f"{place.cluster_path}/pools/{pool['id']}", bounds)
    assert place.run(capsys, "env", "plan", NAME)[0] == 5
    assert place.run(capsys, "env", "import", NAME, "--no-input")[0] == 6
    assert _addresses(place) == {}
    code, found, said = place.run(capsys, "env", "import", NAME, "--yes")
    assert code == 10, said
    keys = {address: one for address, one in before.items() if "object_storage_key" in address}
    assert _addresses(place) == {address: one for address, one in before.items() if address not in keys}
    assert found["keys_to_renew"] == ["aias-small-backups"]
    assert found["profile"]["cluster"]["pools"]["general"]["maximum"] == 6
    assert found["profile"]["database"]["nodes"] == 1
    assert [(one["is"], one["profile"]) for one in found["differs"]] == [
        ("cluster.pools.general.maximum: 6", "cluster.pools.general.maximum: 4")
    ]


def test_there_is_nothing_to_take_over_a_second_time(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    pool = place.rows(f"{place.cluster_path}/pools")[0]
    bounds = {"autoscaler": {"enabled": True, "min": 2, "max": 4}}
    place.api("PUT", f"{place.cluster_path}/pools/{pool['id']}", bounds)
    code, found, said = place.run(capsys, "env", "import", NAME, "--no-input")
    assert (code, found["adopted"], found["differs"]) == (0, [], []), said

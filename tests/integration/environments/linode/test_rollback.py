"""An environment goes back to what it was at an earlier version: state, profile, and what was made since."""

from __future__ import annotations

import pytest
import yaml

from aias_core.environments.linode.up import UpOptions
from support.settled import NAME, PROFILE, Settled

LATER = {
    **PROFILE,
    "cluster": {"pools": {"extra": {"type": "g6-standard-2", "count": 1}}},
    "database": {"nodes": 2},
    "buckets": {**PROFILE["buckets"], "exports": {"expire_days": 5}},  # type: ignore[dict-item]
}


def _versions(place: Settled, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return list(place.run(capsys, "env", "state", "list", NAME)[1]["versions"])


def _pools(place: Settled) -> list[str]:
    return [pool["label"] for pool in place.rows(f"{place.cluster_path}/pools")]


def test_what_was_made_since_goes_and_what_was_there_stays(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    good = next(one["version"] for one in _versions(place, capsys) if one["kind"] == "backup")
    cluster = place.rows("/lke/clusters")[0]["id"]
    place.profile_file.write_text(yaml.safe_dump(LATER))
    place.open().up(UpOptions(), lambda _: None, lambda _: None)
    assert sorted(_pools(place)) == ["extra", "general"]
    command = ("env", "rollback", NAME, "--to", good, "--change", "C-7", "--yes")
    names = ("--confirm", "extra", "--confirm", "aias-small-exports", "--confirm", "exports")
    code, _, said = place.run(capsys, *command, "--no-input")
    assert (code, sorted(_pools(place))) == (6, ["extra", "general"]), said
    code, found, said = place.run(capsys, *command, *names)
    assert code == 0, said
    assert found["schema"] == "aias.rollback/1"
    assert [one["id"] for one in place.rows("/lke/clusters")] == [cluster]
    assert _pools(place) == ["general"]
    assert place.rows("/databases/postgresql/instances")[0]["cluster_size"] == 1
    assert "aias-small-exports" not in {one["label"] for one in place.rows("/object-storage/buckets")}
    assert {"restore", "infrastructure", "health", "drift"} <= {one["step"] for one in found["steps"]}
    assert found["drift"] == "none"
    assert "database.nodes" in found["profile_differs"]
    assert list((place.directory / "terraform").glob("*look*")) == []


def test_a_version_without_its_profile_is_refused(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    state = place.open().state
    version = state.back_up(0, lambda _: None)
    code, _, said = place.run(capsys, "env", "rollback", NAME, "--to", version.name, "--change", "C-9", "--yes")
    assert code == 4
    assert "is not known" in said

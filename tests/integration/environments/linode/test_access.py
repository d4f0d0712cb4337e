"""Access that ends by itself, and maintenance that does: through the command line to the cluster."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.rest import ApiException

from aias_core import clock
from aias_core.environments.linode.kubeconfig import EXPIRES
from aias_core.environments.linode.maintenance import refuse_under_maintenance
from aias_core.errors import Refused
from support.settled import NAME, Settled

SPACE = "env-small"
ACCOUNTS = f"/api/v1/namespaces/{SPACE}/serviceaccounts"
MERGE = "application/merge-patch+json"


def _connect(file: str) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(config_file=file))


def _issue(place: Settled, capsys: pytest.CaptureFixture[str], file: Path, *more: str) -> dict[str, Any]:
    code, found, _ = place.run(capsys, "env", "kubeconfig", NAME, "--out", str(file), *more)
    assert code == 0
    return dict(found)


def test_each_bundle_may_do_what_it_says(place: Settled, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("operator", "deployer", "auditor"):
        _issue(place, capsys, tmp_path / name, "--bundle", name)
    operator, deployer, auditor = (_connect(str(tmp_path / name)) for name in ("operator", "deployer", "auditor"))
    operator.list_node()
    deployer.list_namespaced_secret(SPACE)
    auditor.list_namespaced_config_map(SPACE)
    for refused in (deployer.list_node, lambda: auditor.list_namespaced_secret(SPACE)):
        with pytest.raises(ApiException, match="403"):
            refused()


def test_the_file_is_for_its_owner_and_holds_no_administrator(
    place: Settled, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "kubeconfig.yaml"
    found = _issue(place, capsys, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert found["account"] in file.read_text()
    assert place.api("GET", f"{place.cluster_path}/kubeconfig")["kubeconfig"] not in file.read_text()
    assert "admin" not in file.read_text()
    _issue(place, capsys, file)
    file.write_text("mine")
    code, _, said = place.run(capsys, "env", "kubeconfig", NAME, "--out", str(file))
    assert (code, file.read_text()) == (5, "mine")
    assert "is not from here" in said


@pytest.mark.parametrize("life", ["5m", "25h", "never"])
def test_a_life_that_is_too_short_or_too_long_is_refused(
    place: Settled, capsys: pytest.CaptureFixture[str], life: str
) -> None:
    code, _, _ = place.run(capsys, "env", "kubeconfig", NAME, "--expires", life)
    assert code == 2


def test_accounts_whose_time_is_over_are_removed(
    place: Settled, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old = _issue(place, capsys, tmp_path / "old")["account"]
    past = clock.format_second(clock.now() - timedelta(seconds=1))
    place.kubernetes("PATCH", f"{ACCOUNTS}/{old}", {"metadata": {"annotations": {EXPIRES: past}}}, MERGE)
    new = _issue(place, capsys, tmp_path / "new")["account"]
    names = [one["metadata"]["name"] for one in place.kubernetes("GET", ACCOUNTS)["items"]]
    assert new in names
    assert old not in names


def test_maintenance_is_refused_twice_and_ends(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    begin = ("env", "maintenance", "on", NAME, "--reason", "new nodes")
    code, found, _ = place.run(capsys, *begin, "--until", "3h")
    assert (code, found["on"], found["reason"]) == (0, True, "new nodes")
    code, _, said = place.run(capsys, *begin)
    assert code == 5
    assert "new nodes" in said
    with pytest.raises(Refused, match="under maintenance"):
        refuse_under_maintenance(place.open())
    assert place.run(capsys, "env", "maintenance", "off", NAME)[1]["on"] is False
    assert place.run(capsys, "env", "maintenance", "show", NAME)[1]["on"] is False
    refuse_under_maintenance(place.open())


def test_maintenance_ends_by_itself(
    place: Settled, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.run(capsys, "env", "maintenance", "on", NAME, "--reason", "x", "--until", "30m")
    later = clock.now() + timedelta(minutes=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert place.run(capsys, "env", "maintenance", "show", NAME)[1]["on"] is False


def test_maintenance_longer_than_eight_hours_is_refused(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run(capsys, "env", "maintenance", "on", NAME, "--reason", "x", "--until", "9h")[0] == 2

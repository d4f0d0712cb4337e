from __future__ import annotations

import json
from pathlib import Path

import pytest

from aias_core.environments.linode.opening import SIMULATION, open_on_linode
from aias_core.errors import PrerequisiteMissing, Refused


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINODE_TOKEN", raising=False)


def simulate(root: Path, mode: int = 0o600) -> None:
    directory = root / "development"
    directory.mkdir(parents=True)
    token = directory / "token"
    token.write_text("simulated\n")
    token.chmod(mode)
    told = {"url": "http://127.0.0.1:1", "pid": 1, "token_file": str(token)}
    (directory / SIMULATION).write_text(json.dumps(told))


def test_the_account_is_the_one_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINODE_TOKEN", "hush-hush")
    opened = open_on_linode("development", tmp_path / ".aias", None)
    assert (opened.account.url, opened.is_simulated) == ("https://api.linode.com", False)
    assert "hush" not in repr(opened)
    assert opened.directory.stat().st_mode & 0o077 == 0
    assert (tmp_path / ".aias" / ".gitignore").read_text() == "*\n"


def test_a_simulation_takes_its_place_and_needs_no_token_of_the_account(tmp_path: Path) -> None:
    simulate(tmp_path)
    opened = open_on_linode("development", tmp_path, None)
    assert (opened.account.url, opened.is_simulated) == ("http://127.0.0.1:1", True)


def test_without_a_token_the_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteMissing, match="LINODE_TOKEN"):
        open_on_linode("development", tmp_path, None)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    simulate(tmp_path, 0o644)
    with pytest.raises(Refused, match="others"):
        open_on_linode("development", tmp_path, None)


def test_an_environment_on_this_machine_has_no_account(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not on Linode"):
        open_on_linode("local", tmp_path, None)
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.environments.linode.opening import open_on_linode
from aias_core.errors import PrerequisiteMissing, Refused


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINODE_TOKEN", raising=False)


def test_the_account_is_the_one_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINODE_TOKEN", "hush-hush")
    opened = open_on_linode("development", tmp_path / ".aias", None)
    assert (opened.account.url, opened.is_simulated) == ("https://api.linode.com", False)
    assert "hush" not in repr(opened)
    assert opened.directory.stat().st_mode & 0o077 == 0
    assert (tmp_path / ".aias" / ".gitignore").read_text() == "*\n"


def test_without_a_token_the_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteMissing, match="LINODE_TOKEN"):
        open_on_linode("development", tmp_path, None)


def test_an_environment_on_this_machine_has_no_account(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not on Linode"):
        open_on_linode("local", tmp_path, None)
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.environments.linode.target import LinodeEnvironment, open_linode_environment
from aias_core.errors import InvalidInput


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LinodeEnvironment:
    """An environment in a real account, which nothing here asks."""
    monkeypatch.setenv("LINODE_TOKEN", "hush-hush")
    monkeypatch.delenv("AIAS_CALLER_ADDRESS", raising=False)
    return open_linode_environment("development", tmp_path)


def test_the_caller_of_a_real_account_is_who_the_variable_says(
    environment: LinodeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.find_caller() is None
    monkeypatch.setenv("AIAS_CALLER_ADDRESS", "203.0.113.9")
    assert environment.find_caller() == "203.0.113.9"
    monkeypatch.setenv("AIAS_CALLER_ADDRESS", "my-laptop")
    with pytest.raises(InvalidInput, match="my-laptop"):
        environment.find_caller()

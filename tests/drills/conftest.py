from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.environments import CommandLine, environment


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """One environment that the drills share."""
    with environment(tmp_path_factory.mktemp("shared")) as line:
        yield line

from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.environments.linode.lease import Lease
from aias_core.environments.linode.store import DirectoryStore
from support.state import take_lease


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    """An empty store in a directory."""
    return DirectoryStore(tmp_path / "store")


@pytest.fixture
def lease(store: DirectoryStore) -> Lease:
    """The lease of the store's environment."""
    return take_lease(store)

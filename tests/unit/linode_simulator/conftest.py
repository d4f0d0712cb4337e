from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from support.linode import make_client


@pytest.fixture
def client() -> TestClient:
    return make_client()

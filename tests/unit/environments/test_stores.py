"""Where an erasure looks for exports: never on this machine when the databases are elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.environments.exporting import export_local
from aias_core.environments.local.credentials import Credentials
from aias_core.environments.local.plan import PORTS_RECORD
from aias_core.environments.local.target import LocalEnvironment, open_environment
from aias_core.environments.stores import find_stores

STORAGE = {
    "AIAS_S3_ENDPOINT": "https://objects.example.com",
    "AIAS_S3_ACCESS_KEY": "access",
    "AIAS_S3_SECRET_KEY": "hidden-word",
    "AIAS_EXPORTS_BUCKETS": "one, two",
}
PORTS = {
    name: {"main": 8333, "ops": 9333} for name in ("postgres", "nats", "objects", "identity", "router", "analytics")
}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalEnvironment:
    """An environment that was up here once, and whose databases variables name."""
    environment = open_environment("local", tmp_path)
    environment.state.ensure()
    Credentials(environment.state.secrets).ensure()
    environment.state.write_record(PORTS_RECORD, PORTS)
    for database in ("OPERATIONAL", "ANALYTICS"):
        monkeypatch.setenv(f"AIAS_{database}_DSN", f"postgresql://db.example.com/{database}")
    for name in STORAGE:
        monkeypatch.delenv(name, raising=False)
    return environment


def test_databases_elsewhere_have_the_storage_that_variables_name(
    elsewhere: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in STORAGE.items():
        monkeypatch.setenv(name, value)
    stores = find_stores(elsewhere)
    assert stores.objects is not None
    assert stores.objects.endpoint == "https://objects.example.com"
    assert stores.buckets == ("one", "two")


@pytest.mark.parametrize("missing", [tuple(STORAGE), *((name,) for name in STORAGE)], ids=",".join)
def test_without_the_variables_there_is_nowhere_to_look(
    elsewhere: LocalEnvironment, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    for name in STORAGE.keys() - set(missing):
        monkeypatch.setenv(name, STORAGE[name])
    stores = find_stores(elsewhere)
    assert stores.objects is None or not stores.buckets


def test_an_empty_list_of_buckets_is_nowhere_to_look(
    elsewhere: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**STORAGE, "AIAS_EXPORTS_BUCKETS": ""}.items():
        monkeypatch.setenv(name, value)
    assert find_stores(elsewhere).buckets == ()


def test_the_variables_of_an_env_file_name_the_storage_of_the_environment(
    elsewhere: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in export_local(elsewhere, None).variables.items():
        monkeypatch.setenv(name, value)
    stores, own = find_stores(elsewhere), elsewhere.known_endpoints()
    assert (stores.objects, stores.buckets) == (own.object_store(), (own.bucket,))

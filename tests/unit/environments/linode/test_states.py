from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import pytest

from aias_core.environments.linode.lease import Lease, LeaseLost, LeaseShelf
from aias_core.environments.linode.states import (
    KEPT,
    StateNotStored,
    StateUnreadable,
    StateVersions,
    read_state,
)
from aias_core.environments.linode.store import DirectoryStore
from aias_core.errors import Conflict, NotFound, Refused
from support.state import ENVIRONMENT, KeepingStore, build_state, open_versions, take_lease


@pytest.fixture
def versions(store: DirectoryStore) -> StateVersions:
    return open_versions(store)


def key_of(name: str) -> str:
    return f"{ENVIRONMENT}/states/{name}.tfstate.enc"


def test_the_newest_thirty_are_kept_and_each_of_them_restores(
    versions: StateVersions, lease: Lease, tmp_path: Path
) -> None:
    for serial in range(1, KEPT + 2):
        versions.write(build_state(serial, size=serial), lease)
    kept = versions.list_versions("state")
    assert [version.serial for version in kept] == list(range(2, KEPT + 2))
    for version in kept:
        copy = open_versions(DirectoryStore(shutil.copytree(tmp_path / "store", tmp_path / version.name)))
        copy.restore(version.name, lease)
        assert read_state(copy.read_newest() or b"") == read_state(build_state(KEPT + 2, size=version.serial))


def test_a_state_is_stored_although_an_old_one_cannot_be_removed(store: DirectoryStore, lease: Lease) -> None:
    versions = open_versions(KeepingStore(Path(store.url)))
    for serial in range(1, KEPT + 2):
        versions.write(build_state(serial), lease)
    assert versions.read_newest() == build_state(KEPT + 1)


@pytest.mark.parametrize("serial", range(1, 4))
def test_every_kept_version_reads_as_written(versions: StateVersions, lease: Lease, serial: int) -> None:
    for number in range(1, 4):
        versions.write(build_state(number), lease)
    assert versions.read(versions.list_versions()[serial - 1]) == build_state(serial)


def test_a_backup_is_of_a_kind_of_its_own(versions: StateVersions, lease: Lease) -> None:
    versions.write(build_state(), lease)
    made = versions.back_up(lease)
    assert [version.kind for version in versions.list_versions()] == ["backup", "state"]
    assert versions.read(made) == build_state()


def test_a_backup_of_nothing_says_so(versions: StateVersions, lease: Lease) -> None:
    with pytest.raises(NotFound, match="has no state"):
        versions.back_up(lease)


def test_a_restore_sets_the_present_aside_and_says_what_differs(versions: StateVersions, lease: Lease) -> None:
    first = versions.write(build_state(1, nodes=2), lease)
    versions.write(build_state(2, nodes=3), lease)
    restored = versions.restore(first.name, lease)
    assert restored.set_aside is not None
    assert read_state(versions.read(restored.set_aside))["serial"] == 2
    assert restored.changes == [{"address": "linode_lke_cluster.main", "change": "changed", "attributes": ["nodes"]}]


def test_a_restore_with_a_merge_writes_one_state(versions: StateVersions, lease: Lease) -> None:
    first = versions.write(build_state(1), lease)
    versions.write(build_state(2, size=2), lease)
    versions.restore(first.name, lease, lambda restored, present: build_state(9, size=2))
    assert [one.serial for one in versions.list_versions("state")] == [1, 2, 9]
    assert versions.read_newest() == build_state(9, size=2)


def test_a_version_of_another_lineage_is_not_restored(versions: StateVersions, lease: Lease) -> None:
    other = versions.write(build_state(1, lineage="other"), lease)
    versions.write(build_state(2), lease)
    with pytest.raises(Conflict, match="another lineage"):
        versions.restore(other.name, lease)
    assert len(versions.list_versions()) == 2


def test_a_present_state_that_cannot_be_read_is_no_obstacle(
    versions: StateVersions, store: DirectoryStore, lease: Lease
) -> None:
    good = versions.write(build_state(1), lease)
    bad = versions.write(build_state(2), lease)
    store.put(key_of(bad.name), (store.get(key_of(bad.name)) or b"")[:-5])
    restored = versions.restore(good.name, lease)
    assert restored.set_aside is None
    assert read_state(versions.read_newest() or b"")["serial"] == 3


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        pytest.param(lambda stored: stored[:-1], "cut or altered", id="truncated"),
        pytest.param(lambda stored: stored[:-1] + b"\0", "cut or altered", id="altered"),
        pytest.param(lambda stored: b"", "is not there", id="empty"),
        pytest.param(lambda stored: b'{"version": 4}', "does not begin", id="plain"),
    ],
)
def test_a_spoiled_object_fails_with_its_cause(
    versions: StateVersions, store: DirectoryStore, lease: Lease, spoil: object, cause: str
) -> None:
    version = versions.write(build_state(), lease)
    assert callable(spoil)
    store.put(key_of(version.name), spoil(store.get(key_of(version.name)) or b""))
    with pytest.raises(StateUnreadable, match=cause) as caught:
        versions.read(version)
    assert caught.value.exit_code == 1


def test_another_key_and_another_name_do_not_open_a_version(
    versions: StateVersions, store: DirectoryStore, lease: Lease
) -> None:
    first, second = (versions.write(build_state(serial), lease) for serial in (1, 2))
    with pytest.raises(StateUnreadable, match="another key"):
        open_versions(store, secrets.token_bytes(32)).read(first)
    store.put(key_of(second.name), store.get(key_of(first.name)) or b"")
    with pytest.raises(StateUnreadable, match="another key"):
        versions.read(second)


def test_what_a_newer_aias_wrote_is_refused_with_the_reason(
    versions: StateVersions, store: DirectoryStore, lease: Lease
) -> None:
    version = versions.write(build_state(), lease)
    stored = store.get(key_of(version.name)) or b""
    store.put(key_of(version.name), stored.replace(b"aias.state/1", b"aias.state/2", 1))
    with pytest.raises(Refused, match="newer aias, in format 2"):
        versions.restore(version.name, lease)


def test_nothing_that_is_no_state_is_stored(versions: StateVersions, store: DirectoryStore, lease: Lease) -> None:
    before = store.list("")
    for content in (b"", b"[]", b'{"version": 4}', b"null"):
        with pytest.raises(StateUnreadable):
            versions.write(content, lease)
    assert store.list("") == before


def test_a_store_that_cannot_be_written_ends_with_1_and_the_cause(lease: Lease, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateNotStored, match=r"could not be stored in .*cannot be made") as caught:
        open_versions(DirectoryStore(tmp_path / "file")).write(build_state(), lease)
    assert caught.value.exit_code == 1


def test_success_is_not_claimed_for_what_reads_otherwise(tmp_path: Path, lease: Lease) -> None:
    class Forgetful(DirectoryStore):
        def put_new(self, key: str, data: bytes) -> bool:
            return super().put_new(key, data[:-1])

    with pytest.raises(StateNotStored, match="cut or altered"):
        open_versions(Forgetful(tmp_path / "other")).write(build_state(), lease)


def test_what_a_run_writes_after_it_lost_its_lease_does_not_count(
    versions: StateVersions, store: DirectoryStore
) -> None:
    old = take_lease(store)
    versions.write(build_state(5), old)
    old.release()
    new = take_lease(store)
    before = versions.list_versions()
    with pytest.raises(LeaseLost):
        versions.write(build_state(6), old)
    assert versions.list_versions() == before
    versions.write(build_state(6, by="new"), new)
    late = Lease(_Deaf(store, ENVIRONMENT), old.fence, old.holder)
    versions.write(build_state(9, by="old"), late)
    newest = versions.find_newest()
    assert newest is not None
    assert (newest.fence, newest.serial) == (new.fence, 6)


class _Deaf(LeaseShelf):
    """Its holder was told that it holds the lease, and fell asleep before it wrote."""

    def check(self, number: int) -> None:
        pass

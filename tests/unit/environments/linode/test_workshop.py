from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aias_core.environments.linode.backend import StateBackend
from aias_core.environments.linode.lease import Lease, LeaseLost
from aias_core.environments.linode.store import DirectoryStore
from aias_core.environments.linode.terraform import TerraformFailed
from aias_core.environments.linode.workshop import Workshop, open_workshop
from aias_core.environments.profiles import load_profile
from aias_core.errors import AiasError
from support.state import build_state, open_versions


@dataclass
class Failing:
    """A Terraform that ends badly and leaves its state behind, as the real one does."""

    file: Path
    error: BaseException

    def init(self) -> None:
        assert not self.file.exists(), "what another run left behind is still there"

    def untaint(self, address: str) -> None:
        raise self.error

    def take_unsaved_state(self) -> bytes | None:
        content = self.file.read_bytes() if self.file.exists() else None
        self.file.unlink(missing_ok=True)
        return content


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "errored.tfstate"


def _fail(store: DirectoryStore, lease: Lease, file: Path, error: BaseException, unsaved: bytes) -> None:
    file.write_bytes(unsaved)
    versions = open_versions(store)
    state = cast(Any, SimpleNamespace(versions=versions))
    terraform = cast(Any, Failing(file, error))
    workshop = Workshop(cast(Any, None), state, terraform, StateBackend(versions, lease), lease)
    with pytest.raises((AiasError, KeyboardInterrupt)):
        workshop.untaint("module.lke")


@pytest.mark.parametrize(
    "error",
    [TerraformFailed("it failed"), KeyboardInterrupt(), LeaseLost("it is another's")],
    ids=["failed", "interrupt", "lost"],
)
def test_a_state_that_was_left_behind_is_stored_and_removed_however_it_ended(
    store: DirectoryStore, lease: Lease, file: Path, error: BaseException
) -> None:
    open_versions(store).write(build_state(serial=3), lease)
    _fail(store, lease, file, error, build_state(serial=4))
    assert not file.exists()
    assert open_versions(store).read_newest() == build_state(serial=4)


@pytest.mark.parametrize(
    "unsaved",
    [build_state(serial=3, label="other"), build_state(serial=9, lineage="two"), b"{"],
    ids=["old", "foreign", "cut"],
)
def test_a_state_that_does_not_go_on_from_the_newest_is_dropped(
    store: DirectoryStore, lease: Lease, file: Path, unsaved: bytes
) -> None:
    open_versions(store).write(build_state(serial=3), lease)
    _fail(store, lease, file, TerraformFailed("it failed"), unsaved)
    assert not file.exists()
    assert open_versions(store).read_newest() == build_state(serial=3)


def test_nothing_is_stored_after_the_lease_is_lost(store: DirectoryStore, lease: Lease, file: Path) -> None:
    lease.release()
    _fail(store, lease, file, LeaseLost("it is another's"), build_state())
    assert not file.exists()
    assert open_versions(store).list_versions() == []


def test_what_a_killed_run_left_behind_is_gone_before_the_next_begins(
    store: DirectoryStore, lease: Lease, file: Path
) -> None:
    file.write_bytes(build_state())
    profile = load_profile("development", None)
    opened = SimpleNamespace(
        directory=file.parent, profile=profile, name="development", provide=lambda: nullcontext({})
    )
    state = SimpleNamespace(versions=open_versions(store))
    terraform = cast(Any, Failing(file, KeyboardInterrupt()))
    with open_workshop(cast(Any, opened), cast(Any, state), lease, lambda *_: terraform):
        assert open_versions(store).list_versions() == []


def test_the_trace_of_a_fault_leads_to_the_mistake_and_not_to_what_terraform_made_of_it(lease: Lease) -> None:
    backend = StateBackend(cast(Any, SimpleNamespace()), lease)

    def untaint(_: str) -> None:
        backend.answer("GET", "", b"")
        raise TerraformFailed("it failed")

    terraform = SimpleNamespace(untaint=untaint, take_unsaved_state=lambda: None)
    workshop = Workshop(cast(Any, None), cast(Any, None), cast(Any, terraform), backend, lease)
    with pytest.raises(AiasError, match="The state backend failed with AttributeError") as raised:
        workshop.untaint("module.lke")
    assert isinstance(raised.value.__cause__, AttributeError)

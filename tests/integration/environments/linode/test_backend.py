"""Terraform itself keeps its state through our backend."""

from __future__ import annotations

import base64
import os
import signal
import socket
import struct
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aias_core.environments.linode.backend import StateBackend, serve_state
from aias_core.environments.linode.lease import Lease, LeaseLost
from aias_core.environments.linode.states import StateVersions, read_state
from aias_core.environments.linode.store import DirectoryStore
from aias_core.environments.linode.terraform_program import find_terraform
from aias_core.errors import AiasError, DependencyUnreachable
from support.state import build_state, open_versions, take_lease
from support.waiting import wait_until

SECRET = "a-password-in-the-state"
FIRST = f"""
terraform {{
  backend "http" {{}}
}}
resource "terraform_data" "first" {{
  input = "{SECRET}"
}}
"""
SECOND = """
resource "terraform_data" "second" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = "echo started >> started; cat gate"
  }
}
"""


class Terraform:
    """The program in a directory of its own."""

    def __init__(self, program: Sequence[str], directory: Path) -> None:
        self._program, self.directory = program, directory

    def configure(self, text: str) -> None:
        (self.directory / "main.tf").write_text(text)

    def start(self, backend: StateBackend, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._program, *argv, "-input=false", "-no-color"],
            cwd=self.directory,
            env=self._environment(backend.variables()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, backend: StateBackend, *argv: str) -> tuple[int, str]:
        process = self.start(backend, *argv)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "CHECKPOINT_DISABLE": "1", **variables}


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    directory = tmp_path / "work"
    directory.mkdir()
    return Terraform(find_terraform(), directory)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


@pytest.fixture
def versions(store: DirectoryStore) -> StateVersions:
    return open_versions(store)


@pytest.fixture
def lease(store: DirectoryStore) -> Lease:
    return take_lease(store)


@pytest.fixture
def backend(versions: StateVersions, lease: Lease) -> Iterator[StateBackend]:
    with serve_state(versions, lease) as found:
        yield found


def resources_of(versions: StateVersions) -> set[str]:
    content = versions.read_newest()
    return set() if content is None else {resource["name"] for resource in read_state(content)["resources"]}


def test_every_write_of_terraform_is_a_version_that_only_the_key_opens(
    terraform: Terraform, backend: StateBackend, versions: StateVersions, store: DirectoryStore
) -> None:
    terraform.configure(FIRST)
    assert terraform.run(backend, "init")[0] == 0
    assert terraform.run(backend, "apply", "-auto-approve")[0] == 0
    assert resources_of(versions) == {"first"}
    assert SECRET.encode() in (versions.read_newest() or b"")
    assert not any(SECRET.encode() in (store.get(key) or b"") for key in store.list(""))
    assert not list(terraform.directory.glob("*.tfstate*"))
    assert (
        backend.variables()["TF_HTTP_PASSWORD"]
        not in (terraform.directory / ".terraform/terraform.tfstate").read_text()
    )


def test_a_second_run_on_another_port_sees_the_state_and_changes_nothing(
    terraform: Terraform, versions: StateVersions, lease: Lease
) -> None:
    terraform.configure(FIRST)
    with serve_state(versions, lease) as first:
        terraform.run(first, "init")
        terraform.run(first, "apply", "-auto-approve")
    before = versions.list_versions()
    with serve_state(versions, lease) as second:
        assert terraform.run(second, "plan", "-detailed-exitcode")[0] == 0
        assert terraform.run(second, "apply", "-auto-approve")[0] == 0
    assert versions.list_versions() == before


def test_terraform_killed_in_mid_apply_blocks_nobody_and_the_next_run_converges(
    terraform: Terraform, backend: StateBackend, versions: StateVersions
) -> None:
    terraform.configure(FIRST)
    terraform.run(backend, "init")
    terraform.run(backend, "apply", "-auto-approve")
    terraform.configure(FIRST + SECOND)
    os.mkfifo(terraform.directory / "gate")
    killed = terraform.start(backend, "apply", "-auto-approve")
    wait_until((terraform.directory / "started").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert resources_of(versions) == {"first"}
    (terraform.directory / "gate").unlink()
    (terraform.directory / "gate").touch()
    status, output = terraform.run(backend, "apply", "-auto-approve")
    assert status == 0, output
    assert resources_of(versions) == {"first", "second"}
    assert terraform.run(backend, "plan", "-detailed-exitcode")[0] == 0


def test_nothing_is_written_after_the_lease_is_lost_midway(
    terraform: Terraform, backend: StateBackend, versions: StateVersions, store: DirectoryStore, lease: Lease
) -> None:
    terraform.configure(FIRST)
    terraform.run(backend, "init")
    terraform.run(backend, "apply", "-auto-approve")
    before = store.list("development/states/")
    terraform.configure(FIRST + SECOND)
    os.mkfifo(terraform.directory / "gate")
    running = terraform.start(backend, "apply", "-auto-approve")
    wait_until((terraform.directory / "started").exists)
    lease.release()
    (terraform.directory / "gate").write_text("go\n")
    running.communicate()
    assert running.returncode != 0
    assert isinstance(backend.fault, LeaseLost)
    assert store.list("development/states/") == before


def call(backend: StateBackend, method: str, body: bytes = b"", query: str = "", user: str | None = None) -> int:
    variables = backend.variables()
    request = urllib.request.Request(backend.url + query, body or None, method=method)
    credentials = f"{user or variables['TF_HTTP_USERNAME']}:{variables['TF_HTTP_PASSWORD']}"
    request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_deletion_leaves_a_version_with_nothing_in_it(backend: StateBackend, versions: StateVersions) -> None:
    assert call(backend, "POST", build_state(serial=7)) == 200
    assert call(backend, "DELETE") == 200
    assert resources_of(versions) == set()
    assert [version.serial for version in versions.list_versions()] == [7, 8]


def test_a_terraform_that_was_superseded_cannot_write(backend: StateBackend, versions: StateVersions) -> None:
    assert call(backend, "LOCK", b'{"ID": "old"}') == 200
    assert call(backend, "LOCK", b'{"ID": "new"}') == 200
    assert call(backend, "POST", build_state(), "?ID=old") == 409
    assert call(backend, "UNLOCK", b'{"ID": "old"}') == 409, "what it held is its successor's"
    assert call(backend, "POST", build_state(), "?ID=old") == 409
    assert call(backend, "POST", build_state(), "?ID=new") == 200
    assert call(backend, "UNLOCK", b'{"ID": "new"}') == 200
    assert len(versions.list_versions()) == 1


class Shaky(DirectoryStore):
    """A store that fails when it is told to."""

    fails = False

    def list(self, prefix: str) -> list[str]:
        if self.fails:
            raise DependencyUnreachable("The store does not answer")
        return super().list(prefix)


def test_what_went_well_when_it_was_tried_again_was_no_fault(tmp_path: Path) -> None:
    store = Shaky(tmp_path / "store")
    with serve_state(open_versions(store), take_lease(store)) as backend:
        store.fails = True
        assert call(backend, "GET") == 503
        assert isinstance(backend.fault, DependencyUnreachable)
        store.fails = False
        assert call(backend, "LOCK", b'{"ID": "new"}') == 200
        assert backend.fault is not None, "the state has not been read yet"
        assert call(backend, "GET") == 404
        assert backend.fault is None


def test_who_hangs_up_is_no_noise(backend: StateBackend, capsys: pytest.CaptureFixture[str]) -> None:
    others = alive_threads()
    with begin(backend, "10") as connection:
        connection.sendall(b"half")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: bool(alive_threads() - others))
        (answering,) = alive_threads() - others
    answering.join()
    assert (backend.fault, capsys.readouterr().err) == (None, "")


def test_a_request_that_no_terraform_sends_is_told_with_its_trace(
    backend: StateBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    with begin(backend, "nothing") as connection:
        assert connection.recv(1) == b""
    assert "ValueError: invalid literal for int" in capsys.readouterr().err


def alive_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def begin(backend: StateBackend, length: str) -> socket.socket:
    where = urlsplit(backend.url)
    connection = socket.create_connection((str(where.hostname), int(where.port or 0)))
    connection.sendall(f"POST /state HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
    return connection


class Broken(DirectoryStore):
    """A store with a mistake in its program."""

    def list(self, prefix: str) -> list[str]:
        raise KeyError(prefix)


def test_a_mistake_in_the_program_is_a_fault_that_tells_no_state(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    with serve_state(open_versions(Broken(tmp_path / "store")), take_lease(store)) as backend:
        assert call(backend, "GET") == 422
        assert str(backend.fault) == "The state backend failed with KeyError"
        assert isinstance(backend.fault, AiasError)
        assert isinstance(backend.fault.__cause__, KeyError)


def test_nobody_without_the_password_is_answered(backend: StateBackend) -> None:
    assert call(backend, "GET", user="somebody") == 401


def test_a_run_without_a_lease_reads_and_writes_nothing(
    versions: StateVersions, lease: Lease, store: DirectoryStore
) -> None:
    versions.write(build_state(), lease)
    before = store.list("")
    with serve_state(versions) as reader:
        assert call(reader, "GET") == 200
        assert call(reader, "POST", build_state(serial=2)) == 422
        assert call(reader, "LOCK", b"{}") == 422
    assert store.list("") == before

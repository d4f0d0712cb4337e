from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aias_core.database import postgres
from aias_core.environments.local import nats, objects
from aias_core.environments.local.credentials import Credentials
from aias_core.environments.local.state import StateDirectory
from aias_core.environments.local.target import open_environment
from aias_core.errors import Conflict, EnvironmentNotUp, LockHeld, PrerequisiteMissing
from aias_core.identity.keys import HashKeys
from aias_core.secret import Secret


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    directory = StateDirectory(tmp_path / ".aias" / "local")
    directory.ensure()
    return directory


def test_state_belongs_to_the_owner_and_git_ignores_it(state: StateDirectory) -> None:
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert (state.path.parent / ".gitignore").read_text() == "*\n"


def test_second_command_learns_who_is_at_work(state: StateDirectory) -> None:
    with state.exclusive(), pytest.raises(LockHeld, match=f"pid {os.getpid()}"), state.exclusive():
        pass
    with state.exclusive():
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_directory_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PrerequisiteMissing, match="cannot be written"):
        StateDirectory(tmp_path / "local").ensure()


def test_state_root_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PrerequisiteMissing, match="cannot be written"):
        StateDirectory(tmp_path / "file" / "local").ensure()


def test_credentials_are_made_once_and_kept(state: StateDirectory) -> None:
    credentials = Credentials(state.secrets)
    credentials.ensure()
    first = credentials.operator_token
    credentials.ensure()
    assert credentials.operator_token == first
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.secrets.iterdir()} == {0o600}
    assert HashKeys.parse(credentials.data_hash_keys).active_kid == "k1"


def test_environment_that_was_never_up_says_how_to_bring_it_up(tmp_path: Path) -> None:
    environment = open_environment("demo", tmp_path)
    with pytest.raises(EnvironmentNotUp) as caught:
        environment.endpoints()
    assert caught.value.hint == "bring it up with: aias env up demo"
    assert {component.state for component in environment.status().components} == {"stopped"}
    assert environment.down().as_record()["stopped"] is False
    assert list(tmp_path.iterdir()) == []


def test_data_of_another_major_version_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Conflict, match="PostgreSQL 17"):
        postgres.ensure_data_directory(tmp_path, Secret("x"), None)


def test_lock_of_another_process_is_removed_and_one_of_ours_is_not(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    postgres.remove_stale_lock(tmp_path)
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n")
    postgres.remove_stale_lock(tmp_path)
    assert not lock.exists()


def test_servers_listen_on_loopback_only() -> None:
    argv = postgres.build_server_argv(Path("postgres"), Path("data"), 5433)
    assert "--listen_addresses=127.0.0.1" in argv
    assert "--unix_socket_directories=" in argv
    assert not any("fsync" in argument for argument in argv)
    assert 'listen: "127.0.0.1:4222"' in nats.build_configuration(Path("/s"), 4222, 8222, Secret("p"))


def test_no_secret_stands_in_an_argument_list(tmp_path: Path) -> None:
    ports = dict.fromkeys(
        ("main", "s3-grpc", "filer", "filer-grpc", "volume", "volume-grpc", "master", "master-grpc"), 1
    )
    argv = objects.build_server_argv(Path("weed"), tmp_path / "s3.json", ports)
    assert f"-s3.config={tmp_path / 's3.json'}" in argv
    assert "-s3.port.iceberg=0" in argv


def test_s3_signature_is_that_of_the_official_client() -> None:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as AwsCredentials

    at = datetime.now(UTC)
    request = AWSRequest("PUT", "http://127.0.0.1:8333/aias-exports", headers={"host": "127.0.0.1:8333"})
    S3SigV4Auth(AwsCredentials("AK", "SK"), "s3", "us-east-1").add_auth(request)
    signed_at = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((signed_at - at).total_seconds()) < 60
    ours = objects.build_signed_headers("PUT", "127.0.0.1:8333", "/aias-exports", "AK", Secret("SK"), signed_at)
    theirs = dict(request.headers.items())
    assert ours["authorization"] == theirs["Authorization"]

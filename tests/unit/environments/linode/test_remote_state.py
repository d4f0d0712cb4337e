from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aias_cli.main import run
from aias_core.environments.linode.journal import JournalShelf
from aias_core.environments.linode.profile import load_linode_profile
from aias_core.environments.linode.remote_state import RemoteState, StateKey, open_state, read_key, read_storage
from aias_core.environments.linode.secrets import declare_secrets
from aias_core.environments.linode.states import StateVersions
from aias_core.environments.linode.store import DirectoryStore
from aias_core.errors import ExitCode, InvalidInput, NotFound, Refused
from aias_core.secret import Secret
from support.state import ENVIRONMENT, build_state, open_journal, take_lease


class CommandLine:
    """Runs `aias env state` on a simulated environment."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._root, self._capsys = root, capsys

    def run(self, verb: str, *argv: str, expect: int = ExitCode.DONE) -> dict[str, Any]:
        line = ["env", "state", verb, ENVIRONMENT, *argv, "--state-dir", str(self._root), "--yes", "-o", "json"]
        status = run(line)
        printed = self._capsys.readouterr()
        assert status == expect, printed.err
        found: dict[str, Any] = json.loads(printed.out or printed.err)
        return found


@pytest.fixture
def state(tmp_path: Path) -> RemoteState:
    """A simulated environment with two versions."""
    directory = tmp_path / ENVIRONMENT
    directory.mkdir()
    (directory / "simulation.json").write_text("{}")
    found = open_state(ENVIRONMENT, tmp_path)
    lease = take_lease(found.store)
    found.versions.write(build_state(1, password="hunter1"), lease)
    found.versions.write(build_state(2, password="hunter2"), lease)
    lease.release()
    return found


@pytest.fixture
def line(tmp_path: Path, state: RemoteState, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, capsys)


def test_a_state_is_listed_set_aside_restored_and_compared(line: CommandLine) -> None:
    older = line.run("list")["versions"][1]["version"]
    assert line.run("backup")["kind"] == "backup"
    restored = line.run("restore", "--to", older)
    assert restored["changes"] == [
        {"address": "linode_lke_cluster.main", "change": "changed", "attributes": ["password"]}
    ]
    listed = line.run("list")["versions"]
    assert [(item["kind"], item["serial"]) for item in listed[:2]] == [("state", 3), ("backup", 2)]
    assert line.run("diff", "--from", older)["changes"] == []
    difference = line.run("diff")
    assert difference["changes"][0]["attributes"] == ["password"]
    assert "hunter" not in json.dumps(difference)


def test_a_lock_stops_every_change_until_it_is_ended_by_its_id_and_that_is_recorded(
    line: CommandLine, state: RemoteState
) -> None:
    held = line.run("lock", "--reason", "an incident")
    assert line.run("list")["lease"]["id"] == held["id"]
    line.run("backup", expect=ExitCode.CONFLICT)
    line.run("lock", "--reason", "again", expect=ExitCode.CONFLICT)
    line.run("unlock", "--id", "another", "--reason", "x", expect=ExitCode.CONFLICT)
    line.run("unlock", "--id", held["id"], "--reason", "it is over")
    line.run("unlock", "--id", held["id"], "--reason", "it is over", expect=ExitCode.NOT_FOUND)
    line.run("backup")
    (run_id,) = state.journals.list_runs()
    (entry,) = open_journal(state.journals, run_id, take_lease(state.store)).entries
    assert (entry.event, entry.details["reason"], entry.details["lease"]["id"]) == ("unlock", "it is over", held["id"])


def test_an_unlock_is_not_done_when_it_cannot_be_recorded(state: RemoteState) -> None:
    lease = take_lease(state.store)
    (state.directory / "journal").write_text("in the way")
    with pytest.raises(Refused):
        state.unlock(lease.holder.run_id, "x")
    lease.check()


def test_another_machine_reads_the_record_of_an_unlock(state: RemoteState, tmp_path: Path) -> None:
    state.unlock(take_lease(state.store).holder.run_id, "that machine is gone")
    elsewhere = JournalShelf(tmp_path / "elsewhere", state.store, ENVIRONMENT)
    assert elsewhere.list_runs() == state.journals.list_runs()


def test_an_unknown_version_is_not_found(line: CommandLine) -> None:
    assert "state list" in json.dumps(line.run("restore", "--to", "nothing", expect=ExitCode.NOT_FOUND))


def test_an_environment_on_this_machine_has_no_such_state(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not on Linode"):
        open_state("local", tmp_path)


def test_the_secret_of_the_bucket_is_an_endpoint_with_its_key() -> None:
    store = read_storage(Secret("https://KEY:se%2Fcret@fr-par-1.linodeobjects.com"), "fr-par")
    assert (store.endpoint, store.access_key) == ("https://fr-par-1.linodeobjects.com", "KEY")
    assert store.secret_key == Secret("se/cret")


@pytest.mark.parametrize("text", ["", "hunter2", "https://fr-par-1.linodeobjects.com", "ftp://a:hunter2@host"])
def test_another_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_storage(Secret(text), "fr-par")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_the_key_of_the_state_is_the_declared_secret_and_is_told_when_it_is_made(tmp_path: Path) -> None:
    key, told = open_key(tmp_path), list[str]()
    with pytest.raises(NotFound, match="not on this machine"):
        key.read()
    key.ensure(told.append)
    kept = declare_secrets(key.profile, key.directory).get_value("state-backup")
    assert key.read() == read_key(kept)
    assert str(key.directory / "secrets.age") in told[0]
    assert kept.reveal() not in told[0]


def test_a_machine_without_the_key_makes_no_second_one_for_a_state_that_there_is(tmp_path: Path) -> None:
    first, elsewhere = open_key(tmp_path), replace(open_key(tmp_path), directory=tmp_path / "elsewhere")
    first.ensure(lambda _: None)
    StateVersions(first.store, ENVIRONMENT, first.read).write(build_state(), take_lease(first.store))
    with pytest.raises(NotFound, match="not on this machine") as raised:
        elsewhere.ensure(lambda _: None)
    assert "secrets.age" in str(raised.value.hint)
    assert not elsewhere.directory.exists()


def test_a_key_in_the_variable_is_taken_and_no_other_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAS_STATE_BACKUP_KEY", "ab" * 32)
    key = open_key(tmp_path)
    key.ensure(pytest.fail)
    assert key.read() == bytes.fromhex("ab" * 32)
    assert not key.directory.exists()


def open_key(root: Path) -> StateKey:
    return StateKey(load_linode_profile(ENVIRONMENT, None), root / ENVIRONMENT, DirectoryStore(root / "store"))


def test_a_key_is_hexadecimal_or_base64() -> None:
    assert read_key(Secret("00112233445566778899aabbccddeeff" * 2)) == bytes.fromhex(
        "00112233445566778899aabbccddeeff" * 2
    )
    with pytest.raises(InvalidInput):
        read_key(Secret("z" * 64))

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyrage
import pytest

from aias_core.errors import AiasError, DependencyUnreachable, InvalidInput, NotFound, PrerequisiteMissing, Refused
from aias_core.secret import Secret
from aias_core.secrets.encrypted import EncryptedFile
from aias_core.secrets.references import parse_reference
from aias_core.secrets.sources import resolve_secret

VALUE = "k3pt-0ut-of-sight"


class Vault(BaseHTTPRequestHandler):
    """KV version 2 with one secret."""

    def do_GET(self) -> None:
        if self.headers["X-Vault-Token"] != "good":
            return self.answer(403, {"errors": ["permission denied"]})
        if self.path == "/v1/kv/data/team/registry":
            return self.answer(200, {"data": {"data": {"token": VALUE}, "metadata": {"version": 3}}})
        if self.path == "/v1/kv/data/sealed":
            return self.answer(503, {"errors": ["Vault is sealed"]})
        return self.answer(404, {"errors": []})

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def vault() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vault)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture
def signed_in(vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", vault)
    monkeypatch.setenv("VAULT_TOKEN", "good")


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write(tmp_path / "identity", f"# made for a test\n{pyrage.x25519.Identity.generate()}\n")
    monkeypatch.setenv("AIAS_AGE_IDENTITY", str(path))
    return path


@pytest.fixture
def encrypted(identity: Path, tmp_path: Path) -> Path:
    path = tmp_path / "secrets.age"
    EncryptedFile(path).put("registry-token", Secret(VALUE))
    return path


def test_a_variable_and_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_TOKEN", VALUE)
    path = write(tmp_path / "token", f"{VALUE}\n")
    assert resolve_secret("secret://env/REGISTRY_TOKEN").reveal() == VALUE
    assert resolve_secret(f"secret://file/{path}").reveal() == VALUE
    monkeypatch.chdir(tmp_path)
    assert resolve_secret("secret://file/token").reveal() == VALUE


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "token", VALUE, 0o640)
    with pytest.raises(Refused, match="may be read by others"):
        resolve_secret(f"secret://file/{path}")


def test_an_encrypted_file_opens_with_its_identity_only(
    encrypted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = f"secret://encrypted-file/{encrypted}#registry-token"
    assert resolve_secret(reference).reveal() == VALUE
    assert VALUE.encode() not in encrypted.read_bytes()
    other = write(tmp_path / "other", str(pyrage.x25519.Identity.generate()))
    monkeypatch.setenv("AIAS_AGE_IDENTITY", str(other))
    with pytest.raises(PrerequisiteMissing, match="does not open"):
        resolve_secret(reference)


def test_an_encrypted_file_of_another_tool_is_a_map_of_names(identity: Path, tmp_path: Path) -> None:
    recipient = pyrage.x25519.Identity.from_str(identity.read_text().splitlines()[1]).to_public()
    (tmp_path / "hand.age").write_bytes(pyrage.encrypt(f"token: {VALUE}\n".encode(), [recipient]))
    assert resolve_secret(f"secret://encrypted-file/{tmp_path}/hand.age#token").reveal() == VALUE


@pytest.mark.parametrize("armored", [False, True], ids=["binary", "armored"])
def test_a_file_that_others_can_open_too_is_not_encrypted_anew_for_oneself(
    identity: Path, tmp_path: Path, armored: bool
) -> None:
    ours = pyrage.x25519.Identity.from_str(identity.read_text().splitlines()[1]).to_public()
    path = tmp_path / "team.age"
    path.write_bytes(pyrage.encrypt(b"token: 'a'", [ours, pyrage.x25519.Identity.generate().to_public()], armored))
    before = path.read_bytes()
    with pytest.raises(Refused, match="for others too"):
        EncryptedFile(path).put("token", Secret(VALUE))
    assert path.read_bytes() == before
    path.write_bytes(pyrage.encrypt(b"token: 'a'", [ours], armored))
    EncryptedFile(path).put("token", Secret(VALUE))
    assert EncryptedFile(path).get("token").value == Secret(VALUE)


@pytest.mark.parametrize(
    "content", ["- a", "token:", "token: 0123", "token: {changed_at: x}", "token: {value: v, changed_at: soon}", "a: ["]
)
def test_a_file_that_is_no_map_of_texts_is_refused(identity: Path, tmp_path: Path, content: str) -> None:
    recipient = pyrage.x25519.Identity.from_str(identity.read_text().splitlines()[1]).to_public()
    (tmp_path / "hand.age").write_bytes(pyrage.encrypt(content.encode(), [recipient]))
    with pytest.raises(InvalidInput):
        resolve_secret(f"secret://encrypted-file/{tmp_path}/hand.age#token")


@pytest.mark.usefixtures("signed_in")
def test_a_field_of_vault() -> None:
    assert resolve_secret("secret://vault/kv/team/registry#token").reveal() == VALUE


def test_a_program_tells_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = write(tmp_path / "pass", f'#!{sys.executable}\nimport sys\nprint(sys.argv[1] + "-{VALUE}")\n', 0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert resolve_secret("secret://command/pass/op:%2F%2Fteam").reveal() == f"op://team-{VALUE}"
    assert program.exists()


@pytest.mark.usefixtures("signed_in", "identity")
@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("secret://env/AIAS_NOT_SET", NotFound),
        ("secret://file//nowhere/token", NotFound),
        ("secret://file//proc/self/mem/x", PrerequisiteMissing),
        ("secret://encrypted-file//nowhere.age#x", NotFound),
        ("secret://vault/kv/team/registry#nope", NotFound),
        ("secret://vault/kv/team/nope#token", NotFound),
        ("secret://vault/kv/sealed#token", DependencyUnreachable),
        ("secret://command/no-such-program", PrerequisiteMissing),
        ("secret://command/false", DependencyUnreachable),
        ("secret://command/true", NotFound),
        ("secret://kubernetes/env-development/token#value", PrerequisiteMissing),
    ],
)
def test_what_cannot_be_had_ends_with_3_or_4(reference: str, error: type[AiasError]) -> None:
    with pytest.raises(error) as raised:
        resolve_secret(reference)
    assert raised.value.exit_code == error.exit_code
    assert raised.value.hint


@pytest.mark.usefixtures("signed_in")
def test_vault_that_refuses_or_is_away_ends_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value, error in (
        ("VAULT_TOKEN", "bad", PrerequisiteMissing),
        ("VAULT_ADDR", "http://127.0.0.1:1", DependencyUnreachable),
        ("VAULT_TOKEN", "", PrerequisiteMissing),
    ):
        monkeypatch.setenv(variable, value)
        with pytest.raises(error):
            resolve_secret("secret://vault/kv/team/registry#token")


def test_what_a_failing_program_says_is_not_repeated(tmp_path: Path) -> None:
    program = write(tmp_path / "leaks", f'#!/bin/sh\necho "{VALUE}" >&2\necho "{VALUE}"\nexit 1\n', 0o700)
    with pytest.raises(DependencyUnreachable) as raised:
        resolve_secret(f"secret://command/{str(program).replace('/', '%2F')}")
    told, cause = raised.value, raised.value
    while cause is not None:
        assert VALUE not in f"{cause} {cause!r} {told.hint}"
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("script", "mode"), [("#!/bin/sh\nprintf '\\377'\n", 0o700), ("echo", 0o600)], ids=["no text", "not executable"]
)
def test_a_program_that_cannot_be_run_or_read_ends_with_3(script: str, mode: int, tmp_path: Path) -> None:
    program = write(tmp_path / "asked", script, mode)
    with pytest.raises(DependencyUnreachable, match="asked"):
        resolve_secret(f"secret://command/{str(program).replace('/', '%2F')}")


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        "secret://nope/x",
        "secret://env/",
        "secret://vault/kv#x",
        "secret://vault/kv/x",
        "secret://kubernetes/x#y",
    ],
)
def test_what_is_no_reference_is_refused_without_repeating_a_value(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_reference(text)
    assert VALUE not in raised.value.message


def test_a_reference_reads_as_it_was_written() -> None:
    for text in ("secret://env/A", "secret://file//run/x", "secret://vault/kv/a/b#c", "secret://kubernetes/ns/n#k"):
        assert str(parse_reference(text)) == text

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.errors import InvalidInput, Refused
from aias_core.secret import Secret
from aias_core.secrets.sealing import Scope, build_sealed_secret, refuse_placeholder, seal_value
from support.sealing import make_certificate, make_key, open_manifest, unseal

KEY = make_key()
CERTIFICATE = make_certificate(KEY)
VALUE = Secret("postgres://aias:k3pt@db/aias")


@settings(max_examples=40, deadline=None)
@given(st.text())
def test_whatever_is_sealed_opens_as_it_was(text: str) -> None:
    sealed = seal_value(Secret(f"k3:{text}"), CERTIFICATE, b"env/dsn")
    assert unseal(sealed, KEY, "env/dsn").decode() == f"k3:{text}"


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(
    ("namespace", "name", "scopes"),
    [
        ("env-production", "dsn", {Scope.STRICT, Scope.NAMESPACE, Scope.CLUSTER}),
        ("env-production", "other", {Scope.NAMESPACE, Scope.CLUSTER}),
        ("env-staging", "dsn", {Scope.CLUSTER}),
    ],
)
def test_it_opens_only_where_its_scope_says(scope: Scope, namespace: str, name: str, scopes: set[Scope]) -> None:
    manifest = build_sealed_secret("env-production", "dsn", {"url": VALUE}, CERTIFICATE, scope=scope)
    assert open_manifest(manifest, KEY) == {"url": VALUE.reveal()}
    manifest["metadata"] = {**manifest["metadata"], "namespace": namespace, "name": name}
    if scope in scopes:
        assert open_manifest(manifest, KEY) == {"url": VALUE.reveal()}
    else:
        with pytest.raises(ValueError):
            open_manifest(manifest, KEY)


def test_another_key_does_not_open_it_and_an_altered_byte_shows() -> None:
    sealed = seal_value(VALUE, CERTIFICATE, b"")
    with pytest.raises((ValueError, OverflowError)):
        unseal(sealed, make_key(1), "")
    altered = sealed[:-8] + ("AAAA" if sealed[-8:-4] != "AAAA" else "BBBB") + sealed[-4:]
    with pytest.raises(InvalidTag):
        unseal(altered, KEY, "")


def test_two_sealings_of_one_value_have_nothing_in_common() -> None:
    assert seal_value(VALUE, CERTIFICATE, b"")[8:40] != seal_value(VALUE, CERTIFICATE, b"")[8:40]


@pytest.mark.parametrize(
    "text",
    [
        *(pytest.param("", id="empty"), pytest.param("  ", id="blanks")),
        *("changeme", "CHANGE_ME", "xxxxxxxx", "***", "TODO", "placeholder", "your-token-here", "secret", "password"),
        *("12345678", "secret://env/X", "replace-me", "fixme", "tbd", "dummy", "example", "sample", "default", "none"),
        *("null", "nil", "passw0rd", "token", "test", "my-secret"),
        *("<token>", "<<token>>", "${TOKEN}", "{token}", "[token]", "[[token]]", "$(TOKEN)", "%TOKEN%"),
        *("{{ token }}", "{{{token}}}", "${{ secrets.X }}", "{{ lookup('x', {'a':1}) }}", "{{ user }}:{{ token }}"),
        pytest.param("{{\n  token\n}}", id="lines"),
    ],
)
def test_a_placeholder_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="'dsn' is a placeholder") as refused:
        refuse_placeholder("dsn", Secret(text), "send the real value on stdin")
    assert refused.value.hint == "send the real value on stdin"


@pytest.mark.parametrize(
    "text",
    [
        *("changeme-9fK2", "secretary-41Zx", "test.k3y.9sd8f", "1234567a", "%abc%", "<a>k3y</a>"),
        *('{"auths": {"registry.example.com": {"auth": "dTpw"}}}', '{"a": 1}', '{"a":{"b":{}}}'),
        *('["k3y-one", "k3y-two"]', '["a"]', '[["k3y"]]', "[1, 2]", '[{"a": 1}]'),
    ],
)
def test_a_value_that_looks_a_little_like_one_is_not(text: str) -> None:
    refuse_placeholder("dsn", Secret(text), "")


def test_a_certificate_that_cannot_serve_is_refused() -> None:
    with pytest.raises(Refused, match="expired"):
        seal_value(VALUE, make_certificate(KEY, days=-1), b"")
    with pytest.raises(InvalidInput, match="no certificate"):
        seal_value(VALUE, b"-----BEGIN NOTHING-----", b"")
    with pytest.raises(InvalidInput, match="no RSA key"):
        seal_value(VALUE, make_certificate(ec.generate_private_key(ec.SECP256R1())), b"")  # type: ignore[arg-type]


def seal(tmp_path: Path, value: str, *more: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "cert.pem").write_bytes(CERTIFICATE)
    argv = ["secrets", "seal", "--name", "dsn", "--namespace", "env-development", "--certificate", "cert.pem", *more]
    line = [sys.executable, "-m", "aias_cli", *argv]
    return subprocess.run(line, cwd=tmp_path, input=value, capture_output=True, text=True)


def test_the_command_prints_a_manifest_that_opens_and_refuses_a_placeholder(tmp_path: Path) -> None:
    manifest = yaml.safe_load(seal(tmp_path, f"{VALUE.reveal()}\n").stdout)
    assert open_manifest(manifest, KEY) == {"value": VALUE.reveal()}
    told = json.loads(seal(tmp_path, VALUE.reveal(), "--scope", "cluster", "--key", "url", "-o", "json").stdout)
    assert open_manifest(told["documents"][0], KEY) == {"url": VALUE.reveal()}
    lines = "-----BEGIN PRIVATE KEY-----\n  k3y \n-----END PRIVATE KEY-----\n"
    assert open_manifest(yaml.safe_load(seal(tmp_path, f"{lines}\n").stdout), KEY) == {"value": lines}
    refused = seal(tmp_path, "changeme")
    assert (refused.returncode, refused.stdout) == (6, "")
    assert "changeme" not in refused.stderr

from __future__ import annotations

import base64
import hashlib
import secrets
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.errors import ExitCode, InvalidSettings
from aias_core.keyring import Keyring, Undecipherable, UnknownKey, WeakKey, find_weakness
from aias_core.secret import Secret
from support.keys import make_setting

WEAK = {
    "short": secrets.token_bytes(31),
    "long": secrets.token_bytes(33),
    "zeros": bytes(32),
    "counting": bytes(range(32)),
    "counting by seven": bytes((7 * i + 3) % 256 for i in range(32)),
    "counting down": bytes(range(255, 223, -1)),
    "a repeated half": secrets.token_bytes(16) * 2,
    "a repeated part": bytes(islice(cycle(secrets.token_bytes(5)), 32)),
    "text": b"correct horse battery staple 123",
    "hex digits": secrets.token_hex(16).encode(),
    "a published sample": bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
    "the hash of a word": hashlib.sha256(b"password").digest(),
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_a_weak_key_is_refused_by_its_name_and_never_shown(key: bytes) -> None:
    text = base64.b64encode(key).decode()
    with pytest.raises(WeakKey, match="'k9'") as caught:
        Keyring.parse(Secret(f"k9:{text}"))
    assert caught.value.exit_code == ExitCode.REFUSED
    assert text not in str(caught.value)


def test_random_keys_are_accepted() -> None:
    assert [find_weakness(secrets.token_bytes(32)) for _ in range(20_000)] == [None] * 20_000


@pytest.mark.parametrize("text", ["", "k:%%", " , "])
def test_a_setting_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings):
        Keyring.parse(Secret(text))


@pytest.mark.parametrize("form", ["{}", "k9:{good},{}", ":{}", "two words:{}"])
def test_a_key_without_a_name_is_refused_and_never_shown(form: str) -> None:
    nameless, good = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    with pytest.raises(InvalidSettings, match=r"X_KEYS: entry [12] ") as caught:
        Keyring.parse(Secret(form.format(nameless, good=good)), "X_KEYS")
    assert nameless.rstrip("=") not in f"{caught.value} {caught.value.hint}"


def test_two_keys_of_one_name_are_refused() -> None:
    first, second = (make_setting("a").reveal() for _ in range(2))
    with pytest.raises(InvalidSettings, match="'a' twice"):
        Keyring.parse(Secret(f"{first},{second}"))


def test_a_fingerprint_tells_keys_and_names_apart() -> None:
    ring = Keyring.parse(make_setting("a", "b"))
    same_key = Keyring({"a": ring.by_id["b"]})
    assert len({ring.fingerprint("a"), ring.fingerprint("b"), same_key.fingerprint("a")}) == 3
    assert ring.fingerprint("a") == Keyring(dict(ring.by_id)).fingerprint("a")


@given(text=st.text(max_size=300), owner=st.binary(max_size=32))
def test_what_was_sealed_for_a_row_opens_there(text: str, owner: bytes) -> None:
    ring = Keyring.parse(make_setting("a"))
    sealed = ring.seal(text, "a", owner)
    assert ring.unseal(sealed, "a", owner) == text
    assert ring.seal(text, "a", owner) != sealed


def test_a_value_that_was_altered_moved_or_sealed_otherwise_does_not_open() -> None:
    ring = Keyring.parse(make_setting("a", "b"))
    sealed = ring.seal("ana@example.org", "a", b"row 1")
    altered = bytes([sealed[0] ^ 1]) + sealed[1:]
    for value, kid, owner in (
        (altered, "a", b"row 1"),
        (sealed, "a", b"row 2"),
        (sealed, "b", b"row 1"),
        (b"", "a", b""),
    ):
        with pytest.raises(Undecipherable):
            ring.unseal(value, kid, owner)
    with pytest.raises(UnknownKey):
        ring.unseal(sealed, "c", b"row 1")

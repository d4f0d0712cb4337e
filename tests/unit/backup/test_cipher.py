from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.backup.cipher import CHUNK_BYTES, decrypt, derive_key, encrypt
from aias_core.errors import DifferenceFound

KEY = os.urandom(32)
LONG = os.urandom(CHUNK_BYTES) + bytes(CHUNK_BYTES) + b"end"


def seal(content: bytes, context: str = "a/file") -> list[bytes]:
    return list(encrypt([content], KEY, context))


def unseal(sealed: bytes, key: bytes = KEY, context: str = "a/file") -> bytes:
    return b"".join(decrypt([sealed], key, context))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5), st.integers(1, 100))
def test_what_goes_in_comes_out_however_it_is_cut(chunks: list[bytes], size: int) -> None:
    sealed = b"".join(encrypt(chunks, KEY, "a/file"))
    cut = [sealed[at : at + size] for at in range(0, len(sealed), size)]
    assert b"".join(decrypt(cut, KEY, "a/file")) == b"".join(chunks)


def test_several_chunks_come_out_in_order_and_zeros_take_no_space() -> None:
    sealed = b"".join(seal(LONG))
    assert unseal(sealed) == LONG
    assert len(sealed) < CHUNK_BYTES + 20_000


def test_a_file_whose_chunks_are_compressed_with_zlib_is_read() -> None:
    salt, content = bytes(16), bytes(CHUNK_BYTES) + b"end"
    cipher = AESGCM(derive_key(KEY, salt, "a/file"))
    sealed = cipher.encrypt(bytes(12), zlib.compress(content), b"\x03")
    assert unseal(b"aiasbak1" + salt + struct.pack(">IB", len(sealed), 3) + sealed) == content


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "cut-in-a-chunk": lambda parts: [*parts[:-1], parts[-1][:-1]],
    "without-its-last-chunk": lambda parts: parts[:-1],
    "without-one-in-between": lambda parts: [*parts[:2], *parts[3:]],
    "two-exchanged": lambda parts: [parts[0], parts[2], parts[1], *parts[3:]],
    "ended-early": lambda parts: [*parts[:2], parts[2][:4] + b"\x03" + parts[2][5:]],
    "longer": lambda parts: [*parts, b"x"],
    "one-bit": lambda parts: [*parts[:-1], parts[-1][:-1] + bytes([parts[-1][-1] ^ 1])],
    "other-salt": lambda parts: [parts[0][:-1] + bytes([parts[0][-1] ^ 1]), *parts[1:]],
    "empty": lambda parts: [],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_is_found(change: Callable[[list[bytes]], list[bytes]]) -> None:
    with pytest.raises(DifferenceFound):
        unseal(b"".join(change(seal(LONG))))


@pytest.mark.parametrize(("key", "context"), [(os.urandom(32), "a/file"), (KEY, "b/file")], ids=["key", "file"])
def test_another_key_or_the_name_of_another_file_opens_nothing(key: bytes, context: str) -> None:
    with pytest.raises(DifferenceFound):
        unseal(b"".join(seal(b"text")), key, context)

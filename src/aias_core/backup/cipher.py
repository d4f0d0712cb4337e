"""Encryption of a backup's files: AES-256-GCM over compressed chunks, streamed, on all cores.

A file is a header with a random salt, then frames: length, flags, ciphertext. Each file has its own key (HKDF over the
salt), each chunk its own nonce (its number and whether it is the last), so that a chunk that is altered, moved, missing
or of another file is refused (the STREAM construction, Hoang and others 2015).

Whole chunks are compressed with Zstandard (RFC 8878), which is unpacked three times as fast as zlib; smaller ones with
zlib, which needs no library.
"""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from aias_core.backup.streams import ChunkReader
from aias_core.errors import DifferenceFound, InvalidInput
from aias_core.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from pyarrow import Codec

CHUNK_BYTES = 1024**2
_MAGIC = b"aiasbak1"
_SALT_BYTES = 16
_FRAME = struct.Struct(">IB")
_SIZE = struct.Struct(">I")
_COMPRESSED, _LAST, _ZSTANDARD = 1, 2, 4
_LARGEST_FRAME = 16 * 1024**2
_WORKERS = max(2, os.cpu_count() or 1)

In = TypeVar("In")
Out = TypeVar("Out")


def read_key(text: Secret) -> bytes:
    """The bytes of a key. Raises InvalidInput when it is not 32 bytes in base64."""
    try:
        key = base64.b64decode(text.reveal().strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32 or len(set(key)) < 8:
        raise InvalidInput("The backup key is not 32 random bytes in base64", hint="make one: openssl rand -base64 32")
    return key


def derive_key(key: bytes, salt: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF-SHA-256, RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, f"aias.backup/1 {purpose}".encode()).derive(key)


def encrypt(chunks: Iterable[bytes], key: bytes, context: str) -> Iterator[bytes]:
    """The encrypted form of a stream. `context` names the file; it must be the same when it is read."""
    salt = os.urandom(_SALT_BYTES)
    cipher = _build_cipher(key, salt, context)

    def seal(item: tuple[int, bytes, bool]) -> bytes:
        number, chunk, is_last = item
        kind, packed = _pack(chunk)
        flags = _LAST if is_last else 0
        if len(packed) < len(chunk):
            flags, chunk = flags | kind, packed
        sealed = cipher.encrypt(_nonce(number), chunk, bytes([flags]))
        return _FRAME.pack(len(sealed), flags) + sealed

    yield _MAGIC + salt
    yield from _in_parallel(seal, _number(_rechunk(chunks)))


def decrypt(stream: Iterable[bytes], key: bytes, context: str) -> Iterator[bytes]:
    """The stream that was encrypted. Raises DifferenceFound where it was altered or cut, or the key is another."""
    reader = ChunkReader(stream)
    if reader.read(len(_MAGIC)) != _MAGIC:
        raise _altered(context)
    cipher = _build_cipher(key, reader.read(_SALT_BYTES), context)

    def unseal(item: tuple[int, int, bytes]) -> bytes:
        from cryptography.exceptions import InvalidTag

        number, flags, sealed = item
        try:
            chunk = cipher.decrypt(_nonce(number), sealed, bytes([flags]))
        except InvalidTag as exc:
            raise _altered(context) from exc
        return _unpack(flags, chunk)

    yield from _in_parallel(unseal, _iter_frames(reader, context))


def _pack(chunk: bytes) -> tuple[int, bytes]:
    """How a chunk is compressed, and the outcome; with Zstandard its size comes first."""
    if len(chunk) < CHUNK_BYTES:
        return _COMPRESSED, zlib.compress(chunk, 1)
    return _ZSTANDARD, _SIZE.pack(len(chunk)) + _zstandard().compress(chunk, asbytes=True)


def _unpack(flags: int, chunk: bytes) -> bytes:
    if flags & _COMPRESSED:
        return zlib.decompress(chunk)
    if flags & _ZSTANDARD:
        unpacked: bytes = _zstandard().decompress(
            memoryview(chunk)[_SIZE.size :], *_SIZE.unpack_from(chunk), asbytes=True
        )
        return unpacked
    return chunk


@cache
def _zstandard() -> Codec:
    from pyarrow import Codec

    return Codec("zstd", compression_level=1)


def _iter_frames(reader: ChunkReader, context: str) -> Iterator[tuple[int, int, bytes]]:
    for number in count():
        head = reader.read(_FRAME.size)
        length, flags = _FRAME.unpack(head) if len(head) == _FRAME.size else (0, 0)
        sealed = reader.read(min(length, _LARGEST_FRAME))
        if len(sealed) != length or not sealed:
            raise _altered(context)
        yield number, flags, sealed
        if flags & _LAST:
            break
    if reader.read(1):
        raise _altered(context)


def _build_cipher(key: bytes, salt: bytes, context: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(derive_key(key, salt, context))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _altered(context: str) -> DifferenceFound:
    return DifferenceFound(
        f"'{context}' was altered or cut, or was encrypted with another key",
        hint="look at the others with: aias db backup list",
    )


def _rechunk(chunks: Iterable[bytes]) -> Iterator[bytes]:
    reader = ChunkReader(chunks)
    while len(chunk := reader.read(CHUNK_BYTES)) == CHUNK_BYTES:
        yield chunk
    yield chunk


def _number(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    previous = next(chunks)
    number = 0
    for chunk in chunks:
        yield number, previous, False
        previous, number = chunk, number + 1
    yield number, previous, True


def _in_parallel(work: Callable[[In], Out], items: Iterator[In]) -> Iterator[Out]:
    """The results in the order of the items; a few are at work at once."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[Out]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

"""Where backups are kept: a directory, or a prefix of a bucket. A backup without a manifest does not exist."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aias_core.backup.streams import ChunkReader
from aias_core.errors import DifferenceFound, NotFound, PrerequisiteMissing
from aias_core.objectstore import ObjectStore, parse_url, translated_errors

MANIFEST = "manifest.json"
_READ_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a backup as it is stored."""

    name: str
    bytes: int
    sha256: str


class Store(Protocol):
    """A place for backups. Names of files are given with the backup they are of."""

    url: str

    def write(self, backup: str, name: str, chunks: Iterable[bytes]) -> None:
        """Stores one file of a backup that is not published yet."""

    def read(self, backup: str, name: str) -> Iterator[bytes]:
        """The bytes of a file. Raises DifferenceFound when it is not there."""

    def publish(self, backup: str, manifest: dict[str, Any]) -> None:
        """Makes the backup exist, all of it at once."""

    def read_manifest(self, backup: str) -> dict[str, Any]:
        """The manifest of a backup. Raises NotFound when there is no such backup."""

    def list_backups(self) -> list[str]:
        """The published backups, oldest first."""

    def delete(self, backup: str) -> None:
        """Removes a backup, its manifest first."""

    def clear_unfinished(self, environment: str) -> None:
        """Removes what killed backups of an environment left behind."""


def open_store(url: str, objects: ObjectStore | None) -> Store:
    """The store of `s3://bucket/prefix` or of a directory."""
    if "://" not in url:
        return DirectoryStore(Path(url).absolute())
    bucket, prefix = parse_url(url)
    if objects is None:
        raise PrerequisiteMissing("There is no object storage here", hint="bring it up with: aias env up")
    return ObjectsStore(objects, bucket, prefix)


def write_proven(store: Store, backup: str, name: str, chunks: Iterable[bytes]) -> Piece:
    """Stores a file and reads it back. Raises DifferenceFound when it is empty or reads otherwise."""
    digest, size = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    store.write(backup, name, counted())
    piece = Piece(name, size, digest.hexdigest())
    check_piece(store, backup, piece)
    return piece


def check_piece(store: Store, backup: str, piece: Piece) -> None:
    """Reads a stored file. Raises DifferenceFound when it is missing, empty, cut or altered."""
    for _ in read_checked(store, backup, piece):
        pass


def read_checked(store: Store, backup: str, piece: Piece) -> Iterator[bytes]:
    """The bytes of a stored file. Raises DifferenceFound, at its end at the latest, when they are not those written."""
    digest, size = hashlib.sha256(), 0
    for chunk in store.read(backup, piece.name):
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if size == 0 or (size, digest.hexdigest()) != (piece.bytes, piece.sha256):
        what = "is empty" if size == 0 else f"has {size} bytes, not {piece.bytes}"
        raise DifferenceFound(
            f"'{piece.name}' of the backup '{backup}' {what if size != piece.bytes else 'was altered'}",
            hint="make a new one with: aias db backup create",
        )


class DirectoryStore:
    """Backups in a directory, readable by their owner only; one that is not published has a hidden name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = str(path)

    def write(self, backup: str, name: str, chunks: Iterable[bytes]) -> None:
        directory = self._partial(backup)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            shutil.rmtree(directory, ignore_errors=True)
            raise PrerequisiteMissing(
                f"'{self._path / backup}' cannot be written: {exc.strerror}",
                hint="free some space or choose another place with: --to",
            ) from exc

    def read(self, backup: str, name: str) -> Iterator[bytes]:
        published = self._path / backup
        path = (published if published.exists() else self._partial(backup)) / name
        try:
            with path.open("rb") as file:
                while chunk := file.read(_READ_BYTES):
                    yield chunk
        except OSError as exc:
            raise DifferenceFound(f"'{path}' cannot be read: {exc.strerror}") from exc

    def publish(self, backup: str, manifest: dict[str, Any]) -> None:
        self.write(backup, MANIFEST, [_to_bytes(manifest)])
        self._partial(backup).rename(self._path / backup)
        descriptor = os.open(self._path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def read_manifest(self, backup: str) -> dict[str, Any]:
        path = self._path / backup / MANIFEST
        if "/" in backup or not path.is_file():
            raise _no_such(backup, self.url)
        return _of_bytes(path.read_bytes(), backup)

    def list_backups(self) -> list[str]:
        return sorted(
            path.parent.name for path in self._path.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")
        )

    def delete(self, backup: str) -> None:
        (self._path / backup).rename(self._partial(backup))
        shutil.rmtree(self._partial(backup))

    def clear_unfinished(self, environment: str) -> None:
        for path in self._path.glob(f".{environment}-*.partial"):
            shutil.rmtree(path)

    def _partial(self, backup: str) -> Path:
        return self._path / f".{backup}.partial"


class ObjectsStore:
    """Backups under a prefix of a bucket; the manifest is written last and removed first."""

    def __init__(self, objects: ObjectStore, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = objects.client()

    def write(self, backup: str, name: str, chunks: Iterable[bytes]) -> None:
        with translated_errors(self._bucket):
            self._client.head_bucket(Bucket=self._bucket)  # some servers would make a mistyped bucket
            self._client.upload_fileobj(ChunkReader(chunks), self._bucket, self._key(backup, name))

    def read(self, backup: str, name: str) -> Iterator[bytes]:
        from botocore.exceptions import ClientError

        with translated_errors(self._bucket):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=self._key(backup, name))["Body"]
            except ClientError as exc:
                if exc.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                    raise
                raise DifferenceFound(f"'{self.url}/{backup}/{name}' is not there") from exc
            yield from body.iter_chunks(_READ_BYTES)

    def publish(self, backup: str, manifest: dict[str, Any]) -> None:
        self.write(backup, MANIFEST, [_to_bytes(manifest)])

    def read_manifest(self, backup: str) -> dict[str, Any]:
        if backup not in self.list_backups():
            raise _no_such(backup, self.url)
        return _of_bytes(b"".join(self.read(backup, MANIFEST)), backup)

    def list_backups(self) -> list[str]:
        return sorted({name for name, file in self._list_files() if file == MANIFEST})

    def delete(self, backup: str) -> None:
        files = [file for name, file in self._list_files() if name == backup]
        with translated_errors(self._bucket):
            for file in sorted(files, key=lambda file: file != MANIFEST):
                self._client.delete_object(Bucket=self._bucket, Key=self._key(backup, file))

    def clear_unfinished(self, environment: str) -> None:
        own = f"{environment}-"
        names = {name for name, _ in self._list_files()}.difference(self.list_backups())
        for name in names:
            if name.startswith(own):
                self.delete(name)
        with translated_errors(self._bucket):
            uploads = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=self._prefix + own)
            for upload in uploads.get("Uploads") or []:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def _list_files(self) -> list[tuple[str, str]]:
        found = []
        with translated_errors(self._bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for item in page.get("Contents") or []:
                    name, _, file = item["Key"].removeprefix(self._prefix).partition("/")
                    if file and "/" not in file:
                        found.append((name, file))
        return found

    def _key(self, backup: str, name: str) -> str:
        return f"{self._prefix}{backup}/{name}"


def _to_bytes(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1, ensure_ascii=False).encode()


def _of_bytes(content: bytes, backup: str) -> dict[str, Any]:
    with suppress(ValueError):
        manifest = json.loads(content)
        if isinstance(manifest, dict):
            return manifest
    raise DifferenceFound(f"The manifest of the backup '{backup}' is not whole")


def _no_such(backup: str, url: str) -> NotFound:
    return NotFound(f"There is no backup '{backup}' in '{url}'", hint="see which there are: aias db backup list")

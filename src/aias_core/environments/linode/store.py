"""Where state, leases and journals are kept: a bucket, or a directory; small objects, each read and written whole."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from aias_core import clock
from aias_core.errors import AiasError, InvalidInput, PrerequisiteMissing
from aias_core.files import whole_file
from aias_core.objectstore import ObjectStore, translated_errors

CLAIM = ".claim-"
CLAIM_STALE_SECONDS = 60.0
_BUCKET_HINT = "the bucket is made by: aias env up ENVIRONMENT"
_PAUSE_IN_ROUNDS = 4


class StateStore(Protocol):
    """Objects by key, `part/part/name`. Every method raises DependencyUnreachable or AiasError naming the cause."""

    url: str

    def get(self, key: str) -> bytes | None:
        """The object, or None when there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Makes or replaces an object."""

    def put_new(self, key: str, data: bytes) -> bool:
        """Makes an object once: of many callers with different data, at most one ever hears True."""

    def list(self, prefix: str) -> list[str]:
        """The keys that begin so, sorted."""

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error."""


class DirectoryStore:
    """Objects as files of one directory, for the owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = str(path)

    def get(self, key: str) -> bytes | None:
        try:
            return self._file(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise PrerequisiteMissing(f"'{self._file(key)}' cannot be read: {exc.strerror}") from exc

    def put(self, key: str, data: bytes) -> None:
        with whole_file(self._made(key)) as file:
            file.write(data)

    def put_new(self, key: str, data: bytes) -> bool:
        path = self._made(key)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.draft")
        with whole_file(draft) as file:
            file.write(data)
        try:
            os.link(draft, path)
        except FileExistsError:
            return self.get(key) == data
        except OSError as exc:
            raise PrerequisiteMissing(f"'{path}' cannot be made: {exc.strerror}") from exc
        finally:
            draft.unlink()
        return True

    def list(self, prefix: str) -> list[str]:
        start = self._path / prefix.rpartition("/")[0]
        keys = (path.relative_to(self._path).as_posix() for path in start.rglob("*") if _is_object(path))
        return sorted(key for key in keys if key.startswith(prefix))

    def delete(self, key: str) -> None:
        try:
            self._file(key).unlink(missing_ok=True)
        except OSError as exc:
            raise PrerequisiteMissing(f"'{self._file(key)}' cannot be removed: {exc.strerror}") from exc

    def _made(self, key: str) -> Path:
        path = self._file(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise PrerequisiteMissing(f"'{path.parent}' cannot be made: {exc.strerror}") from exc
        return path

    def _file(self, key: str) -> Path:
        if any(part in ("", ".", "..") or part.startswith(".") for part in key.split("/")):
            raise InvalidInput(f"'{key}' is not the key of an object")
        return self._path / key


class S3Store:
    """Objects of a bucket, which is there already. Works with and without conditional writes."""

    def __init__(self, objects: ObjectStore, bucket: str) -> None:
        self._bucket = bucket
        self.url = f"s3://{bucket}"
        self._client: Any = objects.client()

    @cached_property
    def honours_conditions(self) -> bool:
        """Whether the endpoint refuses to replace an object under `If-None-Match: *`, found out by doing it.

        Raises where it gives no answer: of two who judge it differently, neither would see what the other makes.
        """
        key = f"probes/{secrets.token_hex(16)}"
        try:
            return not all(self._put_if_absent(key, secrets.token_bytes(8)) for _ in range(2))
        except AiasError as exc:
            if not _is_header_unknown(exc):
                raise
            return False
        finally:
            with suppress(AiasError):
                self.delete(key)

    def get(self, key: str) -> bytes | None:
        from botocore.exceptions import ClientError

        with translated_errors(self._bucket, _BUCKET_HINT):
            try:
                data: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "NoSuchKey":
                    raise
                return None
            return data

    def put(self, key: str, data: bytes) -> None:
        with translated_errors(self._bucket, _BUCKET_HINT):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def put_new(self, key: str, data: bytes) -> bool:
        if self.honours_conditions:
            # A lost answer is asked for again, and then the object that is in the way is our own.
            return self._put_if_absent(key, data) or self.get(key) == data
        return claim_new(self, key, data)

    def list(self, prefix: str) -> list[str]:
        with translated_errors(self._bucket, _BUCKET_HINT):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(item["Key"] for page in pages for item in page.get("Contents") or [])

    def delete(self, key: str) -> None:
        with translated_errors(self._bucket, _BUCKET_HINT):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _put_if_absent(self, key: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        with translated_errors(self._bucket, _BUCKET_HINT):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=data, IfNoneMatch="*")
            except ClientError as exc:
                if exc.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
                    raise
                return False
            return True


def claim_new(
    store: StateStore,
    key: str,
    data: bytes,
    pause: Callable[[float], object] | None = None,
    stale_seconds: float = CLAIM_STALE_SECONDS,
) -> bool:
    """`put_new` where nothing is conditional: claim, list, write when alone, else withdraw and try again.

    Needs lists that show what was written before them. The winner's claim stays beside its object: whoever comes later
    sees one or the other, also when the list is read while the object is being written. A claim that a dead caller left
    is removed when it has been there alone for a minute by this caller's clock.
    """
    claim = f"{key}{CLAIM}{secrets.token_hex(8)}"
    pause = pause or Event().wait
    first_seen: dict[str, float] = {}
    while True:
        began = clock.monotonic()
        store.put(claim, b"")
        found = store.list(key)
        others = [other for other in found if other.startswith(key + CLAIM) and other != claim]
        if key in found:
            store.delete(claim)
            return store.get(key) == data
        if not others:
            store.put(key, data)
            return claim in store.list(claim) and store.get(key) == data
        store.delete(claim)
        for other in others:
            if clock.monotonic() - first_seen.setdefault(other, clock.monotonic()) > stale_seconds:
                store.delete(other)
        pause(random.uniform(0, _PAUSE_IN_ROUNDS * (clock.monotonic() - began)))  # noqa: S311


def _is_header_unknown(exc: AiasError) -> bool:
    answer = getattr(exc.__cause__, "response", None) or {}
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode") in (400, 501)


def _is_object(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")

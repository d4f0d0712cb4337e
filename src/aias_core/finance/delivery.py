"""Files in object storage: uploaded part by part, read back, and only then called delivered.

The server remembers what is open: an upload that was cut off goes on under the same id, and a part that is there, by
its MD5, is not sent again. Equal rows give equal bytes, so whoever goes on need not be who began.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from aias_core.errors import Conflict, DifferenceFound, NotFound
from aias_core.objectstore import translated_errors

PART_BYTES = 8 * 1024 * 1024
READ_BYTES = 1024 * 1024
_NOT_OFFERED = {"NotImplemented", "InvalidArgument", "InvalidRequest"}
_GONE = {"NoSuchUpload", "NoSuchKey", "404", "NotFound"}


class _Stopped(Exception):
    """The caller does not want to go on; its own error is the cause."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file goes: a client of the server, a bucket that exists, a key, and how the server is to encrypt."""

    client: Any
    bucket: str
    key: str
    encryption: str | None = None

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def at(self, key: str) -> Place:
        """Another key in the same bucket."""
        return replace(self, key=key)


@dataclass(frozen=True, slots=True)
class Permit:
    """What whoever writes must ask: `check` before each part, and `during` around all that makes or removes an object.

    Either raises when somebody else is at work on the same file; then nothing is touched any more.
    """

    check: Callable[[], None] = lambda: None
    during: Callable[[], AbstractContextManager[None]] = nullcontext


ALWAYS = Permit()


@dataclass(slots=True)
class PartWriter(io.RawIOBase):
    """Takes the bytes of one object in order and sends whole parts; `complete` makes the object."""

    place: Place
    upload_id: str
    there: dict[int, str]
    permit: Permit
    sent: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _parts: list[dict[str, Any]] = field(default_factory=list)

    def __hash__(self) -> int:
        return id(self)

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        view = memoryview(content).cast("B")
        for start in range(0, len(view), PART_BYTES):
            self._buffer += view[start : start + PART_BYTES]
            while len(self._buffer) >= PART_BYTES:
                self._send(bytes(self._buffer[:PART_BYTES]))
                del self._buffer[:PART_BYTES]
        return len(view)

    def _send(self, part: bytes) -> None:
        try:
            self.permit.check()
        except Exception as exc:
            raise _Stopped from exc
        number, digest = len(self._parts) + 1, hashlib.md5(part, usedforsecurity=False)
        tag = self.there.get(number)
        if tag != digest.hexdigest():
            answer = self.place.client.upload_part(
                Bucket=self.place.bucket,
                Key=self.place.key,
                UploadId=self.upload_id,
                PartNumber=number,
                Body=part,
                ContentMD5=base64.b64encode(digest.digest()).decode(),
            )
            tag = answer["ETag"].strip('"')
            self.sent += 1
        self._parts.append({"PartNumber": number, "ETag": f'"{tag}"'})

    def complete(self) -> None:
        """Sends what is left and makes the object of all parts, at once and whole."""
        if self._buffer or not self._parts:
            self._send(bytes(self._buffer))
        with self.permit.during():
            self.place.client.complete_multipart_upload(
                Bucket=self.place.bucket,
                Key=self.place.key,
                UploadId=self.upload_id,
                MultipartUpload={"Parts": self._parts},
            )


@contextmanager
def open_upload(place: Place, tags: Mapping[str, str], permit: Permit = ALWAYS) -> Iterator[PartWriter]:
    """A writer for one object, which is there when the block has ended well.

    A block that fails leaves no object and no open upload. When the server does not answer, or the permit is refused,
    the upload stays open for whoever goes on.
    Raises DependencyUnreachable then, NotFound for a bucket that there is not.
    """
    from botocore.exceptions import BotoCoreError

    with translated_errors(place.bucket):
        place.client.head_bucket(Bucket=place.bucket)  # some servers would make a mistyped bucket
        upload_id = find_upload(place) or _begin(place, tags)
        try:
            writer = PartWriter(place, upload_id, dict(_list_parts(place, upload_id)), permit)
            yield writer
            writer.complete()
        except _Stopped as exc:
            raise (exc.__cause__ or exc) from None
        except BotoCoreError:
            raise
        except BaseException:
            with permit.during():
                abort_upload(place, upload_id)
            raise


def _begin(place: Place, tags: Mapping[str, str]) -> str:
    """Opens an upload, encrypted as the place says, and tagged where the server has tags."""
    from botocore.exceptions import ClientError

    encrypted = {"ServerSideEncryption": place.encryption} if place.encryption else {}
    tagged = {"Tagging": urlencode(tags)}
    try:
        answer = place.client.create_multipart_upload(Bucket=place.bucket, Key=place.key, **encrypted, **tagged)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in _NOT_OFFERED:
            raise
        answer = place.client.create_multipart_upload(Bucket=place.bucket, Key=place.key, **encrypted)
    return str(answer["UploadId"])


def find_upload(place: Place) -> str | None:
    """The id of the upload that is open for exactly this key; the latest when there are several."""
    found = [upload for upload in iter_uploads(place) if upload["Key"] == place.key]
    return str(max(found, key=lambda upload: upload["Initiated"])["UploadId"]) if found else None


def iter_uploads(place: Place) -> Iterator[dict[str, Any]]:
    """The open uploads whose keys begin with the one of the place."""
    pages = place.client.get_paginator("list_multipart_uploads")
    for page in pages.paginate(Bucket=place.bucket, Prefix=place.key):
        yield from page.get("Uploads") or []


def _list_parts(place: Place, upload_id: str) -> Iterator[tuple[int, str]]:
    pages = place.client.get_paginator("list_parts")
    for page in pages.paginate(Bucket=place.bucket, Key=place.key, UploadId=upload_id):
        for part in page.get("Parts") or []:
            yield part["PartNumber"], part["ETag"].strip('"')


def abort_upload(place: Place, upload_id: str) -> None:
    """Ends an upload and frees its parts; nothing happens when it is gone."""
    with _ignoring_gone():
        place.client.abort_multipart_upload(Bucket=place.bucket, Key=place.key, UploadId=upload_id)


def delete_object(place: Place) -> None:
    """Removes an object; nothing happens when it is gone."""
    with translated_errors(place.bucket), _ignoring_gone():
        place.client.delete_object(Bucket=place.bucket, Key=place.key)


def put_object(place: Place, content: bytes) -> None:
    """Stores a small object at once."""
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    with translated_errors(place.bucket):
        encrypted = {"ServerSideEncryption": place.encryption} if place.encryption else {}
        place.client.put_object(Bucket=place.bucket, Key=place.key, Body=content, ContentMD5=digest, **encrypted)


def read_object(place: Place) -> Iterator[bytes]:
    """The bytes of an object. Raises NotFound when it is not there."""
    from botocore.exceptions import ClientError

    with translated_errors(place.bucket):
        try:
            body = place.client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in _GONE:
                raise
            raise NotFound(
                f"'{place.url}' is not there", hint="see what was exported: aias analytics exports list"
            ) from exc
        yield from body.iter_chunks(READ_BYTES)


def refuse_existing_objects(*places: Place) -> None:
    """Raises Conflict for the first object that is there."""
    for place in places:
        with translated_errors(place.bucket), _ignoring_gone():
            place.client.head_object(Bucket=place.bucket, Key=place.key)
            raise Conflict(f"'{place.url}' exists", hint="choose another prefix, or replace it with: --force")


def verify_object(place: Place, size: int, sha256: str, permit: Permit = ALWAYS) -> None:
    """Reads an object back. Removes it and raises DifferenceFound when it is not what was written."""
    digest, found = hashlib.sha256(), 0
    for chunk in read_object(place):
        digest.update(chunk)
        found += len(chunk)
    if (found, digest.hexdigest()) != (size, sha256):
        with permit.during():
            delete_object(place)
        raise DifferenceFound(f"'{place.url}' does not read back as it was written", hint="run it again")


def sign_url(place: Place, seconds: int) -> str:
    """A link to an object that works for so long, signed now and kept nowhere."""
    link: str = place.client.generate_presigned_url(
        "get_object", Params={"Bucket": place.bucket, "Key": place.key}, ExpiresIn=seconds
    )
    return link


@contextmanager
def _ignoring_gone() -> Iterator[None]:
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in _GONE:
            raise

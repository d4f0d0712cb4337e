from __future__ import annotations

import hashlib
import random
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError

from aias_core.errors import AiasError, Conflict, DependencyUnreachable, DifferenceFound, NotFound
from aias_core.finance import delivery
from aias_core.finance.delivery import (
    Permit,
    Place,
    delete_object,
    iter_uploads,
    open_upload,
    read_object,
    sign_url,
    verify_object,
)
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.job import Delivery, run_export
from aias_core.objectstore import ObjectStore
from aias_core.windows import Window
from support.backups import BUCKET
from support.strict_storage import StrictStorage, refusal
from support.waiting import wait_until

PART = 5 * 1024 * 1024
CONTENT = random.Random(1).randbytes(3 * PART + 17)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PART_BYTES", PART)


@pytest.fixture
def place(strict: StrictStorage) -> Place:
    return Place(strict.store.client(), BUCKET, f"exports/all/{secrets.token_hex(4)}.csv")


def upload(place: Place, content: bytes = CONTENT) -> int:
    """Uploads in odd pieces, verifies, and returns how many parts were sent."""
    with open_upload(place, {"org": "all"}) as writer:
        for start in range(0, len(content), 500_001):
            writer.write(content[start : start + 500_001])
    verify_object(place, len(content), hashlib.sha256(content).hexdigest())
    return writer.sent


def is_there(place: Place) -> bool:
    try:
        return b"".join(read_object(place)) is not None
    except NotFound:
        return False


def test_a_file_arrives_in_parts_without_the_newer_checksum_headers(place: Place) -> None:
    assert upload(place) == 4
    assert b"".join(read_object(place)) == CONTENT
    assert list(iter_uploads(place)) == []


def test_the_server_does_refuse_those_headers(strict: StrictStorage) -> None:
    store = strict.store
    client = boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key.reveal(),
        region_name=store.region,
    )
    with pytest.raises(ClientError, match="InvalidRequest"):
        client.put_object(Bucket=BUCKET, Key="x", Body=b"x")


def test_an_empty_file_arrives_too(place: Place) -> None:
    upload(place, b"")
    assert b"".join(read_object(place)) == b""


def test_encryption_by_the_server_is_asked_for_and_never_silently_left_out(place: Place, strict: StrictStorage) -> None:
    def judge(line: str, headers: Any) -> tuple[int, bytes] | None:
        return refusal("NotImplemented") if headers.get("x-amz-server-side-encryption") else None

    strict.judge = judge
    with pytest.raises(AiasError, match="NotImplemented"):
        upload(replace(place, encryption="AES256"))
    assert not is_there(place)


def test_a_server_without_tags_gets_the_file_without_them(place: Place, strict: StrictStorage) -> None:
    asked: list[str | None] = []

    def judge(line: str, headers: Any) -> tuple[int, bytes] | None:
        if line.startswith("POST") and "uploads" in line:
            asked.append(headers.get("x-amz-tagging"))
            return refusal("NotImplemented") if asked[-1] else None
        return None

    strict.judge = judge
    upload(place)
    assert asked == ["org=all", None]


def test_a_refusal_for_another_reason_is_said(place: Place, strict: StrictStorage) -> None:
    strict.judge = lambda line, _: refusal("AccessDenied") if "uploads" in line and line.startswith("POST") else None
    with pytest.raises(AiasError, match="AccessDenied"):
        upload(place)


def cut_after(strict: StrictStorage, parts: int) -> None:
    def judge(line: str, _: Any) -> None:
        if "partNumber=" in line and line.startswith("PUT") and strict.parts_sent() > parts:
            raise ConnectionError

    strict.judge = judge


def test_an_upload_that_was_cut_off_goes_on_where_it_was(place: Place, strict: StrictStorage) -> None:
    cut_after(strict, 2)
    with pytest.raises(DependencyUnreachable):
        upload(place)
    (open_before,) = iter_uploads(place)
    strict.judge = lambda *_: None
    assert upload(place) == 2
    assert b"".join(read_object(place)) == CONTENT
    assert list(iter_uploads(place)) == []
    assert open_before["Key"] == place.key


def test_parts_of_other_bytes_are_sent_anew(place: Place, strict: StrictStorage) -> None:
    cut_after(strict, 2)
    with pytest.raises(DependencyUnreachable):
        upload(place)
    strict.judge = lambda *_: None
    other = b"x" + CONTENT[1:]
    assert upload(place, other) == 3
    assert b"".join(read_object(place)) == other


@pytest.mark.parametrize("fault", [KeyboardInterrupt, DifferenceFound, ValueError], ids=lambda fault: fault.__name__)
def test_a_failure_of_ours_leaves_neither_object_nor_open_upload(place: Place, fault: type[BaseException]) -> None:
    def fail() -> None:
        with open_upload(place, {}) as writer:
            writer.write(CONTENT)
            raise fault

    with pytest.raises(fault):
        fail()
    assert list(iter_uploads(place)) == []
    assert not is_there(place)


def test_who_may_not_go_on_leaves_everything_to_the_next(place: Place) -> None:
    @contextmanager
    def refuse() -> Iterator[None]:
        raise Conflict
        yield

    def write(*, fails: bool) -> None:
        with open_upload(place, {}, Permit(during=refuse)) as writer:
            writer.write(CONTENT)
            if fails:
                raise ValueError

    for fails in (True, False):
        with pytest.raises(Conflict):
            write(fails=fails)
    assert len(list(iter_uploads(place))) == 1
    assert not is_there(place)
    assert upload(place) == 0


def test_a_file_that_reads_back_otherwise_is_removed(place: Place, strict: StrictStorage) -> None:
    strict.alter = lambda line, body: body[:-1] + b"?" if line == f"GET /{BUCKET}/{place.key}" else body
    with pytest.raises(DifferenceFound, match="does not read back"):
        upload(place)
    strict.alter = lambda _, body: body
    assert not is_there(place)


def test_a_bucket_that_there_is_not_is_named(place: Place) -> None:
    with pytest.raises(NotFound, match="no-such-bucket"):
        upload(replace(place, bucket="no-such-bucket"))


def test_a_link_works_without_keys_and_ends(place: Place) -> None:
    upload(place)
    with urllib.request.urlopen(sign_url(place, 60)) as answer:
        assert answer.read() == CONTENT
    link = sign_url(place, 1)

    def has_ended() -> bool:
        try:
            urllib.request.urlopen(link).close()
        except urllib.error.HTTPError as exc:
            return exc.code == 403
        return False

    wait_until(has_ended, 20)


def test_an_export_to_storage_is_the_file_on_disk(
    store: psycopg.Connection, month: Window, strict: StrictStorage, objects: ObjectStore, tmp_path: Any
) -> None:
    request = ExportRequest(month)
    local = run_export(store, request, Delivery(str(tmp_path), objects))
    remote = run_export(store, request, Delivery(f"s3://{BUCKET}/finance", strict.store))
    assert remote["sha256"] == local["sha256"]
    bucket, key = remote["manifest"].removeprefix("s3://").split("/", 1)
    assert b'"sha256": "' + local["sha256"].encode() in b"".join(read_object(Place(objects.client(), bucket, key)))


def test_an_export_in_storage_is_not_replaced_unless_forced(
    store: psycopg.Connection, month: Window, objects: ObjectStore
) -> None:
    to = Delivery(f"s3://{BUCKET}/{secrets.token_hex(4)}", objects)
    first = run_export(store, ExportRequest(month), to)
    with pytest.raises(Conflict, match="exists"):
        run_export(store, ExportRequest(month), to)
    assert run_export(store, ExportRequest(month), replace(to, force=True))["sha256"] == first["sha256"]
    bucket, key = first["file"].removeprefix("s3://").split("/", 1)
    delete_object(Place(objects.client(), bucket, key))
    with pytest.raises(Conflict, match=r"manifest\.json' exists"):
        run_export(store, ExportRequest(month), to)

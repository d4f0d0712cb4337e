"""A certificate says nothing personal, cannot be altered, and is compared with the databases."""

from __future__ import annotations

import base64
import json
import os
import uuid
from pathlib import Path

import pytest

from aias_core.errors import DifferenceFound, InvalidInput, NotFound
from aias_core.retention.erasure.certificate import Signer, read_certificate
from aias_core.retention.erasure.verify import verify_erasure
from aias_core.secret import Secret
from support.erasing import SIGNER, Place
from support.rows import insert_any_row


def test_the_certificate_says_nothing_personal(place: Place) -> None:
    text = json.dumps(place.erase())
    assert str(place.world.subject) not in text
    with place.raw("operational") as connection:
        for table, column in (("organizations", "slug"), ("users", "display_name")):
            for (value,) in connection.execute(f"SELECT {column} FROM aias.{table}".encode()):
                assert value is None or value not in text


def test_a_certificate_is_verified_offline_and_against_the_databases(place: Place, written: Path) -> None:
    certificate = read_certificate(written, SIGNER.public_key)
    verify_erasure(place.stores, certificate)


def test_a_changed_byte_is_found(written: Path) -> None:
    content = json.loads(written.read_bytes())
    for key in content.keys() - {"schema", "key", "signature"}:
        written.write_text(json.dumps({**content, key: "other"}))
        with pytest.raises(DifferenceFound, match="was altered"):
            read_certificate(written, SIGNER.public_key)
    flipped = bytearray(base64.b64decode(content["signature"]))
    flipped[7] ^= 1
    written.write_text(json.dumps({**content, "signature": base64.b64encode(flipped).decode()}))
    with pytest.raises(DifferenceFound, match="was altered"):
        read_certificate(written, SIGNER.public_key)


def test_a_certificate_of_somebody_else_is_refused(written: Path) -> None:
    other = Signer(Secret(base64.b64encode(os.urandom(32)).decode()))
    with pytest.raises(DifferenceFound, match="signed by another key"):
        read_certificate(written, other.public_key)
    written.write_text("{}")
    with pytest.raises(InvalidInput, match="not a certificate"):
        read_certificate(written, SIGNER.public_key)


def test_what_comes_back_is_found_and_goes_again(place: Place, written: Path) -> None:
    certificate = read_certificate(written, SIGNER.public_key)
    with place.raw("analytics") as connection:
        insert_any_row(connection, "dead_letters", payload=str(place.world.subject).upper().encode())
    with pytest.raises(DifferenceFound, match=r"has come back: 1 rows in analytics\.dead_letters"):
        verify_erasure(place.stores, certificate)
    assert place.erase() == certificate
    verify_erasure(place.stores, certificate)


def test_a_database_without_the_tombstone_is_found(place: Place, written: Path) -> None:
    certificate = read_certificate(written, SIGNER.public_key)
    with place.raw("analytics") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM aias.erased_subjects WHERE subject_id = %s", [place.world.subject])
    with pytest.raises(DifferenceFound, match="tombstone is missing in 'analytics'"):
        verify_erasure(place.stores, certificate)
    with pytest.raises(NotFound):
        verify_erasure(place.stores, {**certificate, "request_id": str(uuid.uuid4())})

"""Exported files are looked for wherever one may be, and one that is being written is waited for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from aias_core import ids
from aias_core.errors import DifferenceFound, Partial
from aias_core.retention.erasure import run as erasure
from aias_core.retention.erasure.exports import ExportsUnseen
from aias_core.retention.erasure.verify import verify_erasure
from support.erasing import BUCKET, Place
from support.rows import insert_any_row
from support.subjects import unguarded


@pytest.fixture
def buckets(organization: Place) -> Iterator[tuple[str, str]]:
    """A second bucket of the environment, and one that only jobs name."""
    assert organization.stores.objects
    client, made = organization.stores.objects.client(), (f"second-{ids.new_id()}", f"old-{ids.new_id()}")
    for bucket in made:
        client.create_bucket(Bucket=bucket)
    yield made
    for bucket in made:
        for item in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=item["Key"])
        client.delete_bucket(Bucket=bucket)


def add_job(place: Place, **columns: Any) -> Any:
    job_id = ids.new_id()
    with place.raw("analytics") as connection, unguarded(connection):
        insert_any_row(connection, "export_jobs", job_id=job_id, **columns)
    return job_id


def name_bucket(bucket: str) -> dict[str, str]:
    return {"delivery": json.dumps({"bucket": bucket})}


@pytest.mark.parametrize("owned", [True, False], ids=["own job", "job of all"])
def test_files_in_every_bucket_go(organization: Place, buckets: tuple[str, str], owned: bool) -> None:
    second, named = buckets
    place = replace(organization, stores=replace(organization.stores, buckets=(BUCKET, second)))
    assert place.stores.objects
    subject, client = place.world.subject, place.stores.objects.client()
    add_job(place, org_id=subject if owned else None, status="succeeded", object_key=None, **name_bucket(named))
    for bucket in (BUCKET, *buckets):
        client.put_object(Bucket=bucket, Key=f"exports/{subject}/2026-10/x.csv", Body=b"rows")
    assert len(place.erase()["objects"]) == 3
    assert [client.list_objects_v2(Bucket=bucket)["KeyCount"] for bucket in buckets] == [0, 0]


def test_a_bucket_that_a_job_names_and_that_is_gone_cannot_be_looked_at(organization: Place) -> None:
    certificate = organization.erase()
    job_id = add_job(organization, org_id=None, status="failed", object_key=None, **name_bucket("long-gone"))
    with pytest.raises(ExportsUnseen, match="'long-gone'"):
        verify_erasure(organization.stores, certificate)
    with organization.raw("analytics") as connection:
        connection.execute("UPDATE aias.export_jobs SET status = 'expired' WHERE job_id = %s", [job_id])
    verify_erasure(organization.stores, certificate)


def test_a_bucket_that_only_its_own_jobs_named_is_looked_into_later_too(
    organization: Place, buckets: tuple[str, str]
) -> None:
    named = buckets[1]
    subject = organization.world.subject
    add_job(organization, org_id=subject, status="succeeded", object_key=None, **name_bucket(named))
    certificate = organization.erase()
    verify_erasure(organization.stores, certificate)
    assert organization.stores.objects
    client = organization.stores.objects.client()
    client.put_object(Bucket=named, Key=f"exports/{subject}/2026-10/x.csv", Body=b"rows")
    with pytest.raises(DifferenceFound, match="1 objects"):
        verify_erasure(organization.stores, certificate)
    assert organization.erase() == certificate
    verify_erasure(organization.stores, certificate)


def test_storage_that_does_not_answer_cannot_be_looked_at(organization: Place) -> None:
    assert organization.stores.objects
    silent = replace(organization.stores.objects, endpoint="http://127.0.0.1:1")
    away = replace(organization, stores=replace(organization.stores, objects=silent))
    with pytest.raises(Partial, match="nothing is erased: Object storage does not answer"):
        away.erase()
    with pytest.raises(ExportsUnseen, match="does not answer"):
        verify_erasure(away.stores, organization.erase())


@pytest.mark.parametrize("owned", [True, False], ids=["own job", "job of all"])
def test_an_export_at_work_is_waited_for(organization: Place, monkeypatch: pytest.MonkeyPatch, owned: bool) -> None:
    subject = organization.world.subject
    monkeypatch.setattr(erasure, "WRITERS_SECONDS", 0.1)
    job_id = add_job(organization, org_id=subject if owned else None, status="running", object_key=None)
    with pytest.raises(Partial, match=f"An export at work .* '{job_id}'") as caught:
        organization.erase()
    assert (caught.value.hint or "").endswith(f"or end it: aias analytics exports cancel {job_id}")
    with organization.raw("analytics") as connection:
        connection.execute("UPDATE aias.export_jobs SET status = 'cancelled' WHERE job_id = %s", [job_id])
    assert organization.erase()["counts"]


def test_an_export_that_begins_before_the_rows_are_gone_is_waited_for(
    organization: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, jobs = erasure._remove_exports, []

    def remove_then_begin(work: erasure.Work, check: Callable[[], None]) -> None:
        remove(work, check)
        jobs.append(add_job(organization, org_id=None, status="running", object_key=None))

    monkeypatch.setattr(erasure, "WRITERS_SECONDS", 0.1)
    monkeypatch.setattr(erasure, "_remove_exports", remove_then_begin)
    with pytest.raises(Partial, match="export at work"):
        organization.erase()
    assert len(jobs) == 1

"""The exported files of an organization in object storage: its own, and those of everybody that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aias_core.errors import AiasError, NotFound, PrerequisiteMissing
from aias_core.finance.jobs.store import list_buckets
from aias_core.objectstore import translated_errors
from aias_core.retention.erasure.certificate import hash_name
from aias_core.retention.erasure.requests import find_slug
from aias_core.retention.erasure.rules import queries

if TYPE_CHECKING:
    from aias_core.retention.erasure.rules import Subject
    from aias_core.retention.stores import Databases, Stores

MANIFEST = ".manifest.json"
UNSEEN_HINT = (
    "run it again where the files can be reached; where variables name the databases, name their storage too: "
    "AIAS_S3_ENDPOINT, AIAS_S3_ACCESS_KEY, AIAS_S3_SECRET_KEY, AIAS_EXPORTS_BUCKETS"
)
_GONE_HINT = "make the bucket again, empty, if it is gone for good, and run it again"


@dataclass(frozen=True, slots=True)
class Export:
    """One object; its name may be personal, so records have its hash."""

    bucket: str
    key: str
    bytes: int

    def as_record(self) -> dict[str, Any]:
        return {"name_sha256": hash_name(self.key), "bytes": self.bytes}


class ExportsUnseen(PrerequisiteMissing):
    """Exported files cannot be looked at"""

    code = "exports_unseen"


@dataclass(frozen=True, slots=True)
class _Search:
    """What belongs to an organization: keys that jobs know, names with its slug or id, manifests with its id."""

    client: Any
    known: set[str]
    slug: str
    org_id: str

    def find(self, bucket: str) -> list[Export]:
        objects = dict(_iter_objects(self.client, bucket))
        wanted = {key for key in objects if key in self.known or _is_own(key, self.slug, self.org_id)}
        for key in objects:
            if key.endswith(MANIFEST) and _names(self.client, bucket, key, self.org_id):
                wanted |= {key, key.removesuffix(MANIFEST)} & objects.keys()
        ordered = sorted(wanted, key=lambda key: (key.endswith(MANIFEST), key))
        return [Export(bucket, key, objects[key]) for key in ordered]


def with_known_buckets(stores: Stores, databases: Databases, subject: Subject) -> Stores:
    """The same with the buckets that export jobs name, and those that an erasure of the subject searched.

    The rows of its own jobs go while the search is not over.
    """
    if not stores.buckets:
        return stores
    rows = databases.operational.execute(queries["list_searched_buckets"], {"kind": subject.kind, "id": subject.id})
    searched = {bucket for (bucket,) in rows}
    return replace(stores, buckets=tuple(sorted({*stores.buckets, *list_buckets(databases.analytics), *searched})))


def find_exports(stores: Stores, databases: Databases, subject: Subject) -> list[Export]:
    """The exports that hold something of an organization, data before its manifest. A person is in none by name.

    Raises ExportsUnseen where no object storage is known, it does not answer, or a bucket refuses.
    """
    if subject.kind == "user":
        return []
    if stores.objects is None or not stores.buckets:
        raise ExportsUnseen(f"No object storage of '{stores.environment}' is known", hint=UNSEEN_HINT)
    slug = find_slug(databases.operational, subject.id)
    search = _Search(stores.objects.client(), _list_known(databases, subject), slug, str(subject.id))
    return [export for bucket in stores.buckets for export in _find_in(bucket, search)]


def _find_in(bucket: str, search: _Search) -> list[Export]:
    try:
        with translated_errors(bucket):
            return search.find(bucket)
    except NotFound as exc:
        raise ExportsUnseen(exc.message, hint=_GONE_HINT) from exc
    except AiasError as exc:
        raise ExportsUnseen(exc.message, hint=UNSEEN_HINT) from exc


def delete_export(stores: Stores, export: Export) -> None:
    """Removes one object; one that is gone stays gone."""
    assert stores.objects is not None  # noqa: S101
    with translated_errors(export.bucket):
        stores.objects.client().delete_object(Bucket=export.bucket, Key=export.key)


def _list_known(databases: Databases, subject: Subject) -> set[str]:
    keys = subject.parameters()
    rows = databases.analytics.execute(queries["list_export_objects"], keys).fetchall()
    rows += databases.operational.execute(queries["list_audit_export_objects"], keys).fetchall()
    return {key for (key,) in rows}


def _iter_objects(client: Any, bucket: str) -> Iterator[tuple[str, int]]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from ((item["Key"], item["Size"]) for item in page.get("Contents", ()))


def _is_own(key: str, slug: str, org_id: str) -> bool:
    return org_id in key or bool(slug and re.match(rf"aias-[a-z]+_{re.escape(slug)}_", key.rpartition("/")[2]))


def _names(client: Any, bucket: str, manifest: str, org_id: str) -> bool:
    body: bytes = client.get_object(Bucket=bucket, Key=manifest)["Body"].read()
    return org_id.encode() in body
